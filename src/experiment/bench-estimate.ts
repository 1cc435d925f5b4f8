/** How much a bench cell will be fed, and about how long that takes. */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import type { Manifest, Summary } from '../record/schema.ts';
import type { BenchCell } from './cell.ts';

type Shape = Pick<
  BenchCell['measure'],
  'batch_size' | 'longest_prompt' | 'new_tokens' | 'runs' | 'warmup' | 'rounds'
>;

const count = z.number().int().positive();
const shapeSchema = z.object({ batch_size: count, longest_prompt: count, new_tokens: count });

/** Warm-up included: all of the first round, and one iteration of each later one. */
export function iterationsOf({ runs, warmup, rounds }: Shape): number {
  return runs + warmup + (rounds - 1) * Math.min(1, warmup);
}

function tokensOfIteration(
  of: Pick<Shape, 'batch_size' | 'longest_prompt' | 'new_tokens'>,
): number {
  return of.batch_size * (of.longest_prompt + of.new_tokens - 1);
}

/** Tokens that the engine will be fed; prompts that are shorter than the longest make it fewer. */
export function benchTokens({ measure }: BenchCell): number {
  return iterationsOf(measure) * tokensOfIteration(measure);
}

/** What an earlier run at this batch size took for each token that it was fed, s; or null. */
export function secondsPerToken(manifest: Manifest, summary: Summary | null): number | null {
  const shape = shapeSchema.safeParse(manifest.config.measure);
  const latencyMs = summary?.metrics.latencyAvg?.value ?? null;
  if (!shape.success || latencyMs === null) return null;
  return latencyMs / 1_000 / tokensOfIteration(shape.data);
}

/** Orders of magnitude of a current server: a core's f32 products, and what memory delivers. */
const FLOPS_A_CORE = 25e9;
const MEMORY_BYTES_PER_SECOND = 10e9;

/** Arithmetic of every token, and the weights read once for every step. */
export function guessSeconds(cell: BenchCell): number {
  const { measure, identity, engine } = cell;
  const cores = engine.threads ?? availableParallelism();
  const compute = (2 * identity.parameters * benchTokens(cell)) / (cores * FLOPS_A_CORE);
  const steps = iterationsOf(measure) * measure.new_tokens;
  const memory = (steps * 4 * identity.parameters) / MEMORY_BYTES_PER_SECOND;
  return compute + memory + measure.cold_starts;
}
