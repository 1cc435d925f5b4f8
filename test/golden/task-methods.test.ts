/**
 * The shortcut of the method `generation`, on the built-in model: what one scoring pass finds right
 * is what greedy decoding writes, token by token, for every item of a sample; and what is generated
 * for the others is the same text.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/open.ts';
import { openTokenizer, type Tokenizer } from '../../src/engine/tokenizer.ts';
import { readAnswer } from '../../src/measure/task/answer.ts';
import { loadTask, type TaskSet } from '../../src/measure/task/items.ts';
import { planTask, type TaskMethod } from '../../src/measure/task/plan.ts';
import { fill } from '../../src/measure/task/template.ts';
import type { ItemRow } from '../../src/record/rows.ts';

const BUILTIN = join(import.meta.dirname, '../../models');
const PROMPT = 'request: {text}\nintent:';
const CONTINUATION = ' {label}\n';
const ITEMS = 100;

let engine: Engine;
let tokenizer: Tokenizer;
let set: Extract<TaskSet, { kind: 'labels' }>;
const signal = new AbortController().signal;

beforeAll(async () => {
  const model = 'builtin:assay-tiny';
  const options = { builtinDir: BUILTIN, env: {}, threads: 1, batchTokens: 1_024 };
  engine = await openEngine({ model, scheme: 'f32', ...options });
  tokenizer = (await openTokenizer(engine))!;
  const all = await loadTask(join(BUILTIN, 'assay-tiny/intents.jsonl'));
  if (all.kind !== 'labels') throw new Error('intents are labelled');
  set = { ...all, items: all.items.slice(0, ITEMS) };
});
afterAll(() => engine.close());

async function rowsBy(method: TaskMethod): Promise<ItemRow[]> {
  const plan = planTask({
    ...{ path: 'intents.jsonl', method, set, prompt: PROMPT, continuation: CONTINUATION },
    encode: (text, special) => tokenizer.encode(text, { special }),
    decode: (ids) => tokenizer.decode(ids),
    eosId: tokenizer.eosId,
    ...{ maxPositions: engine.maxPositions, vocabSize: engine.vocabSize },
    ...{ batchTokens: 1_024, headLabels: null },
  });
  const rows: ItemRow[] = [];
  for (const [batch, members] of plan.batches.entries()) {
    rows.push(...((await plan.pass(engine, members, { batch, signal })).rows as ItemRow[]));
  }
  return rows.toSorted((a, b) => a.item - b.item);
}

test('generation: every item decoded greedily, one by one, gives the same answers', async () => {
  const rows = await rowsBy('generation');
  let wrong = 0;
  for (const [index, item] of set.items.entries()) {
    const ids = tokenizer.encode(fill(PROMPT, item), { special: true });
    const request = { ids, maxNewTokens: 12, stopIds: tokenizer.encode('\n', { special: false }) };
    const [said] = await engine.generate([request], () => {}, signal);
    const text = tokenizer.decode(said!.ids);
    const answer = readAnswer(text, { ...item, labels: set.labels, continuation: CONTINUATION });
    const { predicted, correct, generated } = rows[index]!;
    expect({ item: index, predicted, correct }).toEqual({ item: index, ...answer });
    if (!correct) wrong++;
    expect(generated ?? fill(CONTINUATION, item)).toBe(text);
  }
  console.log(`${ITEMS} items, ${wrong} wrong: the same answers and texts`);
  expect(wrong).toBeGreaterThan(0);
});

test('likelihood: ln p of the right label is that of generation, and the labels share all', async () => {
  set = { ...set, items: set.items.slice(0, 12) };
  const [generation, likelihood] = [await rowsBy('generation'), await rowsBy('likelihood')];
  let largest = 0;
  for (const [index, row] of likelihood.entries()) {
    largest = Math.max(largest, Math.abs(row.logp! - generation[index]!.logp!));
    const mass = row.scores!.reduce((total: number, score) => total + Math.exp(score!), 0);
    expect(mass).toBeLessThan(1.000_01);
    if (generation[index]!.correct) expect(row.predicted).toBe(row.label);
  }
  console.log(`largest difference of ln p between batches: ${largest.toExponential(1)}`);
  // The same window in another batch: f32 sums in another order.
  expect(largest).toBeLessThan(1e-4);
});
