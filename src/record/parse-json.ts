/** JSON of files that anybody may have written. */

/** Below what `canonicalJson` hashes; what we write is nested ten deep. */
const MAX_DEPTH = 190;

/**
 * As JSON.parse. Throws SyntaxError also for what is nested deeper than 190, since whoever walks
 * through such a value would end with the stack, and for 1e999, which becomes Infinity.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (isDeeper(text)) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} brackets`);
  return MAYBE_HUGE.test(text) ? JSON.parse(text, finite) : value;
}

const MAYBE_HUGE = /\d[eE]\+?\d{3}|\d{309}/;

function finite(_key: string, value: unknown): unknown {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    throw new SyntaxError('a number that no double holds');
  }
  return value;
}

/** Of valid JSON: brackets inside strings do not count. */
function isDeeper(text: string): boolean {
  let depth = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at++;
      while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++;
      if (depth > MAX_DEPTH) return true;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
    }
    at++;
  }
  return false;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
