/**
 * Prompts by length: of each third of the lengths the same share, so that a file full of short
 * prompts still measures long ones.
 */
import { seededDraw, shuffled } from './draw.ts';

export type Tercile = 'short' | 'medium' | 'long';

/** Where the thirds end: the 33rd and 67th percentile of the lengths (Hyndman and Fan's type 7). */
const BORDERS = [0.33, 0.67] as const;

export interface TercileChoice {
  /** Indices into the lengths, shuffled. */
  readonly chosen: readonly number[];
  /** Largest length that is short, and that is medium; tokens. */
  readonly borders: readonly [number, number];
  readonly counts: Readonly<Record<Tercile, number>>;
}

/**
 * Draws `count` of the lengths: a third each of those up to the 33rd percentile, up to the 67th,
 * and above it; the remainder of the division goes to the long ones. A third that has too few
 * (many equal lengths) gives all it has, and the others fill up. At most all are drawn.
 */
export function chooseByTercile(
  lengths: readonly number[],
  options: { count: number; seed: number },
): TercileChoice {
  const sorted = [...lengths].sort((a, b) => a - b);
  const borders = [quantileOf(sorted, BORDERS[0]), quantileOf(sorted, BORDERS[1])] as const;
  const draw = seededDraw(options.seed);
  const members: Record<Tercile, number[]> = { short: [], medium: [], long: [] };
  for (const [index, length] of lengths.entries()) members[tercileOf(length, borders)].push(index);
  const third = Math.floor(options.count / 3);
  const wanted = { short: third, medium: third, long: options.count - 2 * third };
  const taken: Record<Tercile, number[]> = { short: [], medium: [], long: [] };
  const spare: { tercile: Tercile; index: number }[] = [];
  for (const tercile of ['short', 'medium', 'long'] as const) {
    const order = shuffled(members[tercile], draw);
    taken[tercile] = order.slice(0, wanted[tercile]);
    spare.push(...order.slice(wanted[tercile]).map((index) => ({ tercile, index })));
  }
  const all = (): number => taken.short.length + taken.medium.length + taken.long.length;
  for (const { tercile, index } of shuffled(spare, draw)) {
    if (all() >= options.count) break;
    taken[tercile].push(index);
  }
  const chosen = shuffled([...taken.short, ...taken.medium, ...taken.long], draw);
  const counts = {
    short: taken.short.length,
    medium: taken.medium.length,
    long: taken.long.length,
  };
  return { chosen, borders, counts };
}

function tercileOf(length: number, [low, high]: readonly [number, number]): Tercile {
  return length <= low ? 'short' : length <= high ? 'medium' : 'long';
}

function quantileOf(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return 0;
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const a = sorted[low] as number;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] as number;
  return a + (at - low) * (b - a);
}
