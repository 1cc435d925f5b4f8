/** A cell's measure, planned against a model: what the worker runs and what an estimate counts. */
import type { Tokenizer } from '../engine/tokenizer.ts';
import { loadCorpus } from '../measure/eval/corpus.ts';
import { planEval } from '../measure/eval/plan.ts';
import { evalScoringPlan } from '../measure/eval/scoring-plan.ts';
import type { BatchPlan } from '../measure/scoring.ts';
import { loadTask } from '../measure/task/items.ts';
import { labelsOf, planTask, type TaskMethod } from '../measure/task/plan.ts';
import { UsageError } from '../record/errors.ts';
import type { Finding } from '../record/schema.ts';
import type { ScoringCell, ScoringMeasure } from './cell.ts';

export interface PlannedCell {
  readonly plan: BatchPlan;
  readonly scoredTokens: number;
  readonly findings: readonly Finding[];
  /** Of a labelled set: how it is asked, and the labels that all items have in common. */
  readonly labels?: { readonly method: TaskMethod; readonly labels: readonly string[] };
}

interface ModelFacts {
  readonly tokenizer: Tokenizer | null;
  readonly maxPositions: number;
  readonly vocabSize: number;
  /** Of a classification head; null where there is none. */
  readonly labels: readonly string[] | null;
}

/** The window length where none is asked for. */
const DEFAULT_CONTEXT = 2_048;

export async function planCell(cell: ScoringCell, model: ModelFacts): Promise<PlannedCell> {
  const { measure } = cell;
  const { tokenizer, maxPositions, vocabSize } = model;
  const own = tokenizer ? [...tokenizer.findings, tokenizerFits(tokenizer, vocabSize)] : [];
  const batchTokens = measure.batch_tokens;
  if (measure.kind === 'task') {
    const set = await loadTask(measure.filePath);
    const { filePath: path } = measure;
    const asked = { ...measure, path, set, headLabels: model.labels, vocabSize };
    const plan = planTask({
      ...asked,
      encode: (text, special) => tokenizer?.encode(text, { special }) ?? [],
      decode: (ids) => tokenizer?.decode(ids) ?? '',
      eosId: tokenizer?.eosId ?? null,
      maxPositions,
      batchTokens,
    });
    const findings = [...own, ...plan.findings];
    const labels = { method: measure.method, labels: labelsOf(asked) };
    return { plan, scoredTokens: plan.scoredTokens, findings, labels };
  }
  const context = contextOf(measure, maxPositions);
  const plan = planEval({
    corpusPath: measure.corpusPath,
    documents: await loadCorpus(measure.corpusPath),
    encode: tokenizer ? (text) => tokenizer.encode(text, { special: true }) : null,
    vocabSize,
    budget: measure.budget,
    batchTokens,
    context,
    stride: measure.stride ?? Math.max(1, Math.floor(context / 2)),
  });
  const findings = [...own, ...plan.findings];
  return { plan: evalScoringPlan(plan), scoredTokens: plan.scoredTokens, findings };
}

/** Tokens a window holds. Throws UsageError for windows that the model cannot take. */
export function contextOf(
  measure: Extract<ScoringMeasure, { kind: 'eval' }>,
  maxPositions: number,
): number {
  const { context, stride } = measure;
  if (context !== undefined && context > maxPositions) {
    throw new UsageError(
      `context ${context} is more than the ${maxPositions} that the model takes`,
      { hint: 'leave the context out to take what the model takes, at most 2,048' },
    );
  }
  const chosen = context ?? Math.min(DEFAULT_CONTEXT, maxPositions);
  if (stride !== undefined && stride > chosen) {
    throw new UsageError(`stride ${stride} is more than the context ${chosen}`, {
      hint: 'tokens between two windows would be left out: a stride is at most the context',
    });
  }
  return chosen;
}

function tokenizerFits(tokenizer: Tokenizer, vocabSize: number): Finding {
  const message = `the tokenizer fits: ${tokenizer.size} ids, the model knows ${vocabSize}`;
  return { code: 'tokenizer-fits', severity: 'info', message };
}
