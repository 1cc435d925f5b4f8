/** Text of generated tokens, piece by piece, never half a character. */
export interface TextStream {
  /** The text that this token completes, perhaps ''. */
  push(id: number): string;
  /** What is left when no token follows. */
  end(): string;
}

/** What a decoder writes for bytes that are not a whole character yet. */
const INCOMPLETE = '\uFFFD';

/**
 * Decodes a short tail twice, with and without the new token, and reports the difference: a
 * token's text depends on its neighbours (a byte of a character, the space at a text's start).
 */
export function textStream(decode: (ids: readonly number[]) => string): TextStream {
  let tail: number[] = [];
  let known = 0;
  const advance = (text: string, from: number): string => {
    tail = tail.slice(known);
    known = tail.length;
    return text.slice(from);
  };
  return {
    push(id) {
      tail.push(id);
      const before = decode(tail.slice(0, known));
      const text = decode(tail);
      if (text.length <= before.length || text.endsWith(INCOMPLETE)) return '';
      return advance(text, before.length);
    },
    end() {
      const before = decode(tail.slice(0, known));
      return advance(decode(tail), before.length);
    },
  };
}
