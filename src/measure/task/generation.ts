/**
 * By generation with exact match: what does greedy decoding answer?
 *
 * Greedy decoding writes the right continuation exactly if each of its tokens is the argmax given
 * the ones before it, so one scoring pass finds the right answers, and their loss with it. Only
 * where a token is not the argmax is text generated: what was said instead.
 */
import type { Engine, GenerateRequest, ScoredWindow } from '../../engine/engine.ts';
import type { ItemRow } from '../../record/rows.ts';
import { packBatches } from '../batches.ts';
import { fed, type Pass, rawOf, timed } from '../scoring.ts';
import { readAnswer } from './answer.ts';
import type { LabelledItem } from './items.ts';
import type { TaskPlan } from './task-plan.ts';
import {
  boundaryFindings,
  type EncodedItem,
  encodeItem,
  endMark,
  type Template,
} from './template.ts';

export interface GenerationOptions extends Template {
  readonly items: readonly LabelledItem[];
  readonly labels: readonly string[];
  readonly batchTokens: number;
  /** Special tokens are left out. */
  readonly decode: (ids: readonly number[]) => string;
  readonly eosId: number | null;
}

export function planGeneration(options: GenerationOptions): TaskPlan {
  const { items } = options;
  const windows = items.map((item) => encodeItem(item, options));
  const split = windows.filter((window) => !window.clean).length;
  const lengths = windows.map((window) => window.ids.length);
  // An answer may be written in more tokens than the tokenizer would take for it.
  const longest = windows.reduce((n, { ids, scoreFrom }) => Math.max(n, ids.length - scoreFrom), 0);
  const asked = { ...options, windows, newTokens: 2 * longest };
  return {
    batches: packBatches(lengths, options.batchTokens),
    tokens: () => fed(windows),
    scoredTokens: windows.reduce((n, { ids, scoreFrom }) => n + ids.length - scoreFrom, 0),
    findings: boundaryFindings(split, items.length),
    pass: (engine, members, of) => pass(engine, members, { ...asked, ...of }),
  };
}

type Asked = GenerationOptions & {
  readonly windows: readonly EncodedItem[];
  /** Most tokens of an answer. */
  readonly newTokens: number;
  readonly batch: number;
  readonly signal: AbortSignal;
};

async function pass(engine: Engine, members: readonly number[], asked: Asked): Promise<Pass> {
  const { signal } = asked;
  const windows = members.map((index) => asked.windows[index] as EncodedItem);
  // Speed is that of scoring: how much is generated hangs on how often a scheme is wrong.
  const [scored, ms] = await timed(() => engine.score(windows, signal));
  const exact = scored.map(isExact);
  const wrong = members.filter((_, i) => exact[i] === false);
  const said = await generate(engine, wrong, asked);
  const rows = members.map((index, i): ItemRow => {
    const item = asked.items[index] as LabelledItem;
    const answer = exact[i]
      ? { predicted: item.label, correct: true }
      : answerOf(item, said.get(index), asked);
    return { ...rowStart(index, item, asked.batch), ...answer, ...lossOf(scored[i]!) };
  });
  const tokens = fed(windows);
  const counted = scored.reduce((n, { logp }) => n + logp.length, 0);
  return { rows, tokens, scored: counted, ms, raw: scored.flatMap(rawOf) };
}

function rowStart(item: number, { label }: LabelledItem, batch: number) {
  return { kind: 'item', batch, item, label } as const;
}

function answerOf(item: LabelledItem, generated: string | undefined, asked: Asked) {
  // Without finite probabilities there is no text either.
  if (generated === undefined) return { predicted: null, correct: false };
  return { generated, ...readAnswer(generated, { ...asked, ...item }) };
}

/** null: argmax over NaN logits is arbitrary, so such an item is neither right nor answered. */
function isExact({ logp, hit }: ScoredWindow): boolean | null {
  return logp.every(Number.isFinite) ? hit.every((each) => each === 1) : null;
}

function lossOf({ logp }: ScoredWindow): { logp: number | null; tokens: number } {
  const sum = logp.reduce((total, value) => total + value, 0);
  return { logp: Number.isFinite(sum) ? sum : null, tokens: logp.length };
}

/** What greedy decoding writes behind the prompts of these items, as text. */
async function generate(
  engine: Engine,
  items: readonly number[],
  { windows, newTokens, continuation, encode, eosId, decode, maxPositions, signal }: Asked,
): Promise<Map<number, string>> {
  const mark = endMark(continuation);
  const ends = continuation.indexOf(mark) === continuation.length - mark.length;
  const markIds = mark === '' ? [] : encode(mark, false);
  const stopIds = eosId === null ? [] : [eosId];
  // A line break ends most answers, and is one token of most tokenizers: nothing behind it is read.
  if (ends && markIds.length === 1) stopIds.push(markIds[0] as number);
  const batch = items.map((index): GenerateRequest => {
    const { ids, scoreFrom } = windows[index] as EncodedItem;
    const room = maxPositions - scoreFrom + 1;
    return { ids: ids.slice(0, scoreFrom), maxNewTokens: Math.min(newTokens, room), stopIds };
  });
  if (batch.length === 0) return new Map();
  const found = await engine.generate(batch, () => {}, signal);
  if (found.some(({ finish }) => finish === 'cancelled')) signal.throwIfAborted();
  return new Map(items.map((index, i) => [index, decode(found[i]!.ids)]));
}
