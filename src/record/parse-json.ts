/** JSON of files that anybody may have written. */

/** Below what `canonicalJson` hashes; what we write is nested ten deep. */
const MAX_DEPTH = 190;

/**
 * As JSON.parse. Throws SyntaxError also for what is nested deeper than 190, since whoever walks
 * through such a value would end with the stack, and for 1e999, which becomes Infinity.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  check(value, 0);
  return value;
}

function check(value: unknown, depth: number): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new SyntaxError('a number that no double holds');
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth === MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} brackets`);
  for (const member of Object.values(value)) check(member, depth + 1);
}
