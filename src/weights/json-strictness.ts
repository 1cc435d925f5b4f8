/**
 * What JSON.parse does not refuse: a key that comes twice (it keeps the last and says nothing), and
 * texts whose nesting or number of members makes parsing take many times their own memory.
 */

export interface JsonSize {
  /** Deepest nesting of brackets. */
  readonly depth: number;
  /** Keys and list items of all levels, counted by commas: at most one too few per bracket. */
  readonly commas: number;
}

/** How large parsing would make it; needs no valid JSON and no memory. */
export function sizeOfJson(json: Uint8Array): JsonSize {
  let depth = 0;
  let deepest = 0;
  let commas = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!;
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x2c) commas++;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return { depth: deepest, commas };
}

/**
 * @param text valid JSON: it must have passed JSON.parse
 * @returns the first repeated key and where it stands in `text`, or null
 */
export function findDuplicateKey(text: string): { key: string; at: number } | null {
  /** One set of keys per open object, null per open array. */
  const open: (Set<string> | null)[] = [];
  let expectKey = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: {
        const end = closingQuote(text, i);
        const keys = open.at(-1);
        if (expectKey && keys) {
          const key = unquote(text.slice(i, end + 1));
          if (keys.has(key)) return { key, at: i };
          keys.add(key);
        }
        expectKey = false;
        i = end;
        break;
      }
      case 0x7b:
        open.push(new Set());
        expectKey = true;
        break;
      case 0x5b:
        open.push(null);
        expectKey = false;
        break;
      case 0x7d:
      case 0x5d:
        open.pop();
        expectKey = false;
        break;
      case 0x2c:
        expectKey = true;
        break;
    }
  }
  return null;
}

function closingQuote(text: string, start: number): number {
  let i = start + 1;
  while (text.charCodeAt(i) !== 0x22) i += text.charCodeAt(i) === 0x5c ? 2 : 1;
  return i;
}

/** Escapes count: "a" and "\u0061" are one key. */
function unquote(literal: string): string {
  return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
}
