/** Rows of samples.jsonl that tell of the tensors of checkpoints that were looked at. */
import { z } from 'zod';
import { counts, numbers } from './number-lists.ts';

const count = z.number().int().nonnegative();
const finite = z.number().nullable();

/** What an autopsy found in one tensor of a checkpoint; null where no finite value is. */
export const anatomyRowSchema = z.object({
  kind: z.literal('anatomy'),
  name: z.string(),
  shape: counts,
  scheme: z.string(),
  bytes: count,
  elements: count,
  mean: finite,
  std: finite,
  min: finite,
  max: finite,
  absmax: finite,
  kurtosis: finite,
  nan: count,
  positiveInfinity: count,
  negativeInfinity: count,
  zeros: count,
  deadRows: count,
  firstDeadRow: count.nullable(),
  firstBadRow: count.nullable(),
  absmaxRow: count.nullable(),
  outlierChannels: counts,
  /** RMS of each of them / the median RMS of all channels. */
  outlierRatios: numbers,
  /** counts[i]: values with ⌊log2 |x|⌋ = firstExponent + i. */
  firstExponent: z.number().int(),
  exponentCounts: counts,
});

/** Two versions of one tensor; sums run over the pairs of finite values. */
export const differenceRowSchema = z.object({
  kind: z.literal('difference'),
  name: z.string(),
  shape: counts,
  /** How the first and the second store it. */
  schemes: z.array(z.string()),
  elements: count,
  /** Σ a², Σ b², Σ a·b, Σ (a − b)². */
  signal: z.number(),
  otherSignal: z.number(),
  product: z.number(),
  noise: z.number(),
  /** What rounding to the second's format makes of noise on average. */
  roundingNoise: z.number(),
  maxError: z.number(),
  maxErrorRow: count.nullable(),
  maxErrorColumn: count.nullable(),
  /** Pairs further apart than half a step of the second's format. */
  beyond: count,
  nonFinite: count,
  verdict: z.enum(['identical', 'rounding', 'moved', 'changed', 'wrong']),
});
