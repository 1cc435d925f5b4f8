/** From settings to batches: what each iteration is fed, known before anything runs. */
import { UsageError } from '../../record/errors.ts';
import type { Finding } from '../../record/schema.ts';
import {
  type ChosenPrompts,
  choosePrompts,
  loadPrompts,
  type PromptModel,
  syntheticPrompts,
} from './prompts.ts';

export interface PromptSettings {
  /** A file of prompts; absent: drawn from the vocabulary. */
  readonly promptsPath?: string | undefined;
  readonly prompt_count: number;
  /** Length of each prompt that is drawn. */
  readonly prompt_tokens: number;
}

export interface BenchSettings extends PromptSettings {
  readonly batch_size: number;
  /** Measured iterations, over all rounds. */
  readonly runs: number;
  /** Iterations before the first round; recorded, in no figure. */
  readonly warmup: number;
  readonly rounds: number;
  readonly new_tokens: number;
}

export interface BenchPlan {
  readonly prompts: readonly (readonly number[])[];
  readonly findings: readonly Finding[];
  /** Measured iterations of a round. */
  runsOf(round: number): number;
  /** Which prompts the measured iteration `index` of a round is fed, as numbers of `prompts`. */
  batchOf(round: number, index: number): number[];
}

/** Reads and chooses the prompts. Throws FormatError for a file that cannot be used. */
export async function benchPrompts(
  settings: PromptSettings,
  model: PromptModel,
  seed: number,
): Promise<ChosenPrompts> {
  const { promptsPath: path, prompt_count: count, prompt_tokens: tokens } = settings;
  if (path === undefined) {
    return { prompts: syntheticPrompts(model, { count, tokens, seed }), findings: [] };
  }
  return choosePrompts({ path, prompts: await loadPrompts(path) }, model, { count, seed });
}

/** Throws UsageError where a prompt and what is to follow it exceed the model's positions. */
export function checkContext(
  chosen: ChosenPrompts,
  options: { newTokens: number; maxPositions: number },
): void {
  const longest = Math.max(...chosen.prompts.map((ids) => ids.length));
  const { newTokens, maxPositions } = options;
  // The last new token is reported, but never fed.
  if (longest + newTokens - 1 <= maxPositions) return;
  throw new UsageError(
    `prompts of up to ${longest} tokens + ${newTokens} new tokens exceed the ${maxPositions} ` +
      'positions of the model',
    { hint: 'ask for shorter prompts or fewer new tokens' },
  );
}

/**
 * Batches are a pure function of round and index, so that every variant is fed the same prompts in
 * the same order, also after an interruption.
 */
export function planBench(settings: BenchSettings, chosen: ChosenPrompts): BenchPlan {
  const { runs, rounds, batch_size: batchSize } = settings;
  const { prompts, findings } = chosen;
  const before = (round: number): number =>
    round * Math.floor(runs / rounds) + Math.min(round, runs % rounds);
  return {
    prompts,
    findings,
    runsOf: (round) => before(round + 1) - before(round),
    batchOf(round, index) {
      const first = (before(round) + index) * batchSize;
      return Array.from({ length: batchSize }, (_, row) => (first + row) % prompts.length);
    },
  };
}
