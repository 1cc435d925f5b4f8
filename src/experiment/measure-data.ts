/** The data behind a measure: found, read, hashed, and checked against each model. */
import { resolve } from 'node:path';
import type { ResolvedModel } from '../engine/open.ts';
import { benchPrompts, checkContext } from '../measure/bench/plan.ts';
import { loadPrompts } from '../measure/bench/prompts.ts';
import { loadCorpus } from '../measure/eval/corpus.ts';
import { planTrace } from '../measure/moe/plan.ts';
import { loadTask } from '../measure/task/items.ts';
import { checkTask, defaultMethod } from '../measure/task/plan.ts';
import { sha256File, sha256Hex } from '../record/canonical.ts';
import { FormatError, UsageError } from '../record/errors.ts';
import type { MeasureSettings } from './cell.ts';
import { contextOf } from './cell-plan.ts';
import { type BenchMatrix, PROMPT_TOKENS, type TraceOptions } from './measure-settings.ts';
import type { ExperimentSpec } from './spec.ts';

export interface DataContext {
  /** Paths in the specification are relative to this. */
  readonly baseDir: string;
  /** Folder of the models that ship with the package. */
  readonly builtinDir: string;
}

export interface MeasureData {
  /** How models name it that take part in less than everything. */
  readonly name: string;
  readonly sha256: string;
  /**
   * The cells that it makes with one model. Throws UsageError or FormatError where they do not fit.
   * `ref`: the model as the user named it.
   */
  cellsFor(model: ResolvedModel, ref: string): Promise<MeasureSettings[]>;
}

type MeasureSpec = ExperimentSpec['measures'][number];

/** Throws FormatError and UsageError for data that cannot be used with any model. */
export async function measureData(
  measure: MeasureSpec,
  context: DataContext,
  seed: number,
): Promise<MeasureData> {
  if (measure.eval) return evalData(measure.eval, context);
  if (measure.bench) return benchData(measure.bench, context, seed);
  if (measure.trace) return traceData(measure.trace, context, seed);
  return taskData(measure.task as NonNullable<MeasureSpec['task']>, context);
}

async function evalData(
  { corpus, ...rest }: NonNullable<MeasureSpec['eval']>,
  context: DataContext,
): Promise<MeasureData> {
  const corpusPath = dataPath(corpus, context);
  const documents = await loadCorpus(corpusPath);
  if (rest.context !== undefined && (rest.stride ?? 1) > rest.context) {
    throw new UsageError(`stride ${rest.stride} is larger than context ${rest.context}`, {
      hint: 'tokens between two windows would be left out: a stride is at most the context',
    });
  }
  const settings = { kind: 'eval', corpusPath, ...rest } as const;
  const isText = documents.some((document) => 'text' in document);
  return {
    name: 'eval',
    sha256: await sha256File(corpusPath),
    async cellsFor(model, ref) {
      if (model.labels !== null) throw noNextToken(ref, 'it has no next-token probabilities');
      if (isText) checkTokenizer(model, ref, 'measure eval scores text');
      contextOf(settings, model.maxPositions);
      return [settings];
    },
  };
}

function noNextToken(ref: string, why: string): UsageError {
  const hint = 'give it a labelled set: a task of method head';
  return new UsageError(`${ref} is a classifier: ${why}`, { hint });
}

async function taskData(
  { file, ...rest }: NonNullable<MeasureSpec['task']>,
  context: DataContext,
): Promise<MeasureData> {
  const filePath = dataPath(file, context);
  const set = await loadTask(filePath);
  const needsText = set.items.some((item) => !('ids' in item));
  return {
    name: rest.name,
    sha256: await sha256File(filePath),
    async cellsFor(model, ref) {
      if (needsText) checkTokenizer(model, ref, `measure ${rest.name} scores text`);
      const of = { set, headLabels: model.labels, vocabSize: model.vocabSize };
      const method = rest.method ?? defaultMethod(of);
      checkTask({ ...of, ...rest, method, path: filePath });
      return [{ kind: 'task', filePath, ...rest, method }];
    },
  };
}

async function benchData(
  matrix: BenchMatrix,
  context: DataContext,
  seed: number,
): Promise<MeasureData> {
  const { name, prompts, batch_sizes, cold_starts, prompt_tokens, ...rest } = matrix;
  const promptsPath = prompts === undefined ? undefined : dataPath(prompts, context);
  const loaded = promptsPath === undefined ? [] : await loadPrompts(promptsPath);
  const isText = loaded.some((prompt) => 'text' in prompt);
  const smallest = Math.min(...batch_sizes);
  return {
    name,
    sha256: promptsPath === undefined ? sha256Hex('') : await sha256File(promptsPath),
    async cellsFor(model, ref) {
      if (model.labels !== null) throw noNextToken(ref, 'it generates no tokens');
      if (isText) checkTokenizer(model, ref, 'the prompts are text');
      const shared = { ...rest, promptsPath, prompt_tokens: prompt_tokens ?? PROMPT_TOKENS };
      const chosen = await benchPrompts(shared, model, seed);
      checkContext(chosen, { newTokens: rest.new_tokens, maxPositions: model.maxPositions });
      const longest_prompt = Math.max(...chosen.prompts.map((ids) => ids.length));
      return batch_sizes.map((batch_size) => ({
        kind: 'bench' as const,
        ...shared,
        batch_size,
        longest_prompt,
        cold_starts: batch_size === smallest ? cold_starts : 0,
      }));
    },
  };
}

async function traceData(
  { prompts, ...rest }: TraceOptions,
  context: DataContext,
  seed: number,
): Promise<MeasureData> {
  const promptsPath = dataPath(prompts, context);
  const isText = (await loadPrompts(promptsPath)).some((prompt) => 'text' in prompt);
  return {
    name: rest.name,
    sha256: await sha256File(promptsPath),
    async cellsFor(model, ref) {
      if (isText) checkTokenizer(model, ref, 'the prompts are text');
      const measure = { kind: 'trace' as const, promptsPath, ...rest };
      try {
        await planTrace(measure, model, seed);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        const { hint } = error;
        throw new UsageError(`${ref}: ${error.message}`, hint === undefined ? {} : { hint });
      }
      return [measure];
    },
  };
}

function checkTokenizer(model: ResolvedModel, ref: string, why: string): void {
  if (model.tokenizer) return;
  throw new FormatError(`${ref}: no tokenizer.json, and ${why}`, {
    hint: 'put the tokenizer files beside the weights, or use rows with "input_ids"',
  });
}

/** `builtin:NAME/FILE` is a file of a built-in model; anything else is a path. */
function dataPath(ref: string, context: DataContext): string {
  return ref.startsWith('builtin:')
    ? resolve(context.builtinDir, ref.slice('builtin:'.length))
    : resolve(context.baseDir, ref);
}
