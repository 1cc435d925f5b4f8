/**
 * By continuation likelihood: every candidate is scored behind the prompt, the most likely is the
 * answer (the first of a tie). The record keeps Σ ln p of every candidate, so that other
 * normalisations are formulas over it.
 */
import type { Engine, ScoredWindow, TokenWindow } from '../../engine/engine.ts';
import type { ItemRow } from '../../record/rows.ts';
import { packBatches } from '../batches.ts';
import { fed, type Pass, rawOf, timed } from '../scoring.ts';
import type { ChoiceItem, TaskSet } from './items.ts';
import type { TaskPlan } from './task-plan.ts';
import { boundaryFindings, encodeItem, type Template } from './template.ts';

export interface LikelihoodOptions extends Template {
  readonly set: TaskSet;
  readonly batchTokens: number;
}

interface Question {
  readonly label: string;
  readonly candidates: readonly string[];
  /** One window a candidate. */
  readonly windows: readonly TokenWindow[];
}

export function planLikelihood(options: LikelihoodOptions): TaskPlan {
  const { set, batchTokens } = options;
  let split = 0;
  const questions = set.items.map((item, index): Question => {
    const candidates =
      set.kind === 'choices' ? (set.items[index] as ChoiceItem).choices : set.labels;
    const encoded = candidates.map((label) => encodeItem({ ...item, label }, options));
    if (encoded.some((window) => !window.clean)) split++;
    return { label: item.label, candidates, windows: encoded };
  });
  const widths = questions.map(({ windows }) => windows.length * longestOf(windows));
  const all = questions.flatMap(({ windows }) => windows);
  return {
    batches: packBatches(widths, batchTokens),
    tokens: () => fed(all),
    scoredTokens: all.reduce((n, { ids, scoreFrom }) => n + ids.length - scoreFrom, 0),
    findings: boundaryFindings(split, questions.length),
    pass: (engine, members, of) =>
      pass(engine, members, { questions, own: set.kind === 'choices', batchTokens, ...of }),
  };
}

function longestOf(windows: readonly TokenWindow[]): number {
  return Math.max(...windows.map((window) => window.ids.length));
}

interface Asked {
  readonly questions: readonly Question[];
  /** Every item has its own candidates: they stand in its row. */
  readonly own: boolean;
  readonly batchTokens: number;
  readonly batch: number;
  readonly signal: AbortSignal;
}

async function pass(engine: Engine, members: readonly number[], asked: Asked): Promise<Pass> {
  const questions = members.map((index) => asked.questions[index] as Question);
  const windows = questions.flatMap((question) => question.windows);
  const [scored, ms] = await timed(() => scoreAll(engine, windows, asked));
  let from = 0;
  const rows = members.map((index, i): ItemRow => {
    const { label, candidates } = questions[i] as Question;
    const own = scored.slice(from, from + candidates.length);
    from += candidates.length;
    const right = candidates.indexOf(label);
    const scores = own.map(({ logp }) => finite(logp.reduce((total, value) => total + value, 0)));
    const predicted = scores.includes(null) ? null : (candidates[firstLargest(scores)] as string);
    return {
      ...{ kind: 'item', batch: asked.batch, item: index, label },
      ...{ predicted, correct: predicted === label },
      ...{ logp: scores[right] as number | null, tokens: own[right]!.logp.length, scores },
      ...(asked.own ? { choices: [...candidates] } : {}),
    };
  });
  const counted = scored.reduce((n, { logp }) => n + logp.length, 0);
  return { rows, tokens: fed(windows), scored: counted, ms, raw: scored.flatMap(rawOf) };
}

/** The candidates of one item alone may be more than a micro-batch holds. */
async function scoreAll(
  engine: Engine,
  windows: readonly TokenWindow[],
  { batchTokens, signal }: Asked,
): Promise<ScoredWindow[]> {
  const scored = new Array<ScoredWindow>(windows.length);
  const lengths = windows.map((window) => window.ids.length);
  for (const members of packBatches(lengths, batchTokens)) {
    const found = await engine.score(
      members.map((index) => windows[index] as TokenWindow),
      signal,
    );
    for (const [i, index] of members.entries()) scored[index] = found[i] as ScoredWindow;
  }
  return scored;
}

export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Index of the largest of finite values, the first of a tie. */
export function firstLargest(values: readonly (number | null)[]): number {
  let best = 0;
  for (const [i, value] of values.entries()) {
    if ((value as number) > (values[best] as number)) best = i;
  }
  return best;
}
