/** Which experts are chosen together more, or less, often than they would be by chance. */
import type { ExpertCounts } from './expert-counts.ts';

export interface ExpertPair {
  readonly a: number;
  readonly b: number;
  /** Routes that chose both. */
  readonly count: number;
  /** count over what independent choices with the same totals would give. */
  readonly lift: number;
}

export interface CoActivation {
  /** Pairs chosen together most often, first; lift says whether that is more than chance. */
  readonly most: readonly ExpertPair[];
  /** Of pairs that are expected EXPECTED times or more: the largest lift, first. */
  readonly strongest: readonly ExpertPair[];
}

const SHOWN = 10;
/** Fewer expected routes make a lift of chance alone. */
const EXPECTED = 5;

/**
 * Expected by chance: a route that chose a fills its k − 1 other places in proportion to how often
 * the other experts are used, cₐ·(k − 1)·c_b / (C − cₐ) with C = Σ c, and the same from b to a; the
 * mean of both.
 */
export function coActivationOf(counts: ExpertCounts, experts: number): CoActivation | null {
  const matrix = pairMatrix(counts, experts);
  if (matrix === null || counts.topK < 2 || counts.routes === 0) return null;
  const uses = usesOf(matrix, experts, counts.topK);
  const choices = uses.reduce((sum, n) => sum + n, 0);
  const pairs: (ExpertPair & { expected: number })[] = [];
  for (let a = 0; a < experts; a++) {
    for (let b = a + 1; b < experts; b++) {
      const count = matrix[a * experts + b] as number;
      const expected = expectedPairs({ uses, choices }, { a, b }, counts.topK);
      if (expected > 0) pairs.push({ a, b, count, lift: count / expected, expected });
    }
  }
  const told = ({ a, b, count, lift }: ExpertPair): ExpertPair => ({ a, b, count, lift });
  const most = pairs.toSorted((x, y) => y.count - x.count || x.a - y.a || x.b - y.b);
  const sure = pairs.filter(({ expected }) => expected >= EXPECTED);
  const strongest = sure.toSorted((x, y) => y.lift - x.lift || x.a - y.a || x.b - y.b);
  return {
    most: most.slice(0, SHOWN).map(told),
    strongest: strongest.slice(0, SHOWN).map(told),
  };
}

/** [a][b]: lift of the pair; null for a = b, and where it is expected too seldom to tell. */
export function liftMatrix(counts: ExpertCounts, experts: number): (number | null)[][] | null {
  const matrix = pairMatrix(counts, experts);
  if (matrix === null || counts.topK < 2) return null;
  const uses = usesOf(matrix, experts, counts.topK);
  const choices = uses.reduce((sum, n) => sum + n, 0);
  return Array.from({ length: experts }, (_, a) =>
    Array.from({ length: experts }, (__, b) => {
      if (a === b) return null;
      const expected = expectedPairs({ uses, choices }, { a, b }, counts.topK);
      return expected >= EXPECTED ? (matrix[a * experts + b] as number) / expected : null;
    }),
  );
}

/** [a][b] = [b][a]: routes that chose both; null: there are too many experts. */
function pairMatrix(counts: ExpertCounts, experts: number): Float64Array | null {
  if (counts.pairs === null) return null;
  const { data, stride } = counts.pairs;
  const matrix = new Float64Array(experts * experts);
  for (let a = 0; a < experts; a++) {
    for (let b = 0; b < experts; b++) {
      matrix[a * experts + b] = (data[a * stride + b] ?? 0) + (data[b * stride + a] ?? 0);
    }
  }
  return matrix;
}

/** Routes that chose each expert: every choice stands in k − 1 pairs. */
function usesOf(matrix: Float64Array, experts: number, topK: number): Float64Array {
  const uses = new Float64Array(experts);
  for (let i = 0; i < matrix.length; i++) uses[Math.floor(i / experts)]! += matrix[i] as number;
  return uses.map((sum) => sum / (topK - 1));
}

function expectedPairs(
  { uses, choices }: { uses: Float64Array; choices: number },
  { a, b }: { a: number; b: number },
  topK: number,
): number {
  const [ua, ub] = [uses[a] as number, uses[b] as number];
  const toB = (ua * (topK - 1) * ub) / (choices - ua);
  const toA = (ub * (topK - 1) * ua) / (choices - ub);
  return (toA + toB) / 2;
}
