import { describe, expect, test } from 'vitest';
import type {
  Engine,
  GenerateRequest,
  ScoredWindow,
  TokenWindow,
  WithClassification,
} from '../../engine/engine.ts';
import { FormatError, UsageError } from '../../record/errors.ts';
import type { ItemRow } from '../../record/rows.ts';
import { parseTask, type TaskSet } from './items.ts';
import { checkTask, defaultMethod, labelsOf, planTask, type TaskPlanOptions } from './plan.ts';

const BOS = 1;
const idsOf = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));
const textOf = (ids: readonly number[]): string =>
  String.fromCharCode(...ids.filter((id) => id !== BOS));

/**
 * A model of characters that writes `says[prompt]`: the next character of that text is the argmax
 * with ln p = −0.25, any other has −1 − (its place in the alphabet)/100; `NaN` where it is unknown.
 */
function modelThatSays(says: Readonly<Record<string, string>>) {
  const calls = { scored: 0, generated: [] as GenerateRequest[] };
  const answerTo = (prompt: string): string | undefined => says[prompt];
  const engine = {
    async score(windows: readonly TokenWindow[]): Promise<ScoredWindow[]> {
      calls.scored += windows.length;
      return windows.map(({ ids, scoreFrom }) => {
        const answer = answerTo(textOf(ids.slice(0, scoreFrom)));
        const scored = ids.slice(scoreFrom);
        const hits = scored.map((id, i) => textOf([id]) === answer?.[i]);
        const logp = scored.map((id, i) => (hits[i] ? -0.25 : -1 - (id - 96) / 100));
        return {
          logp: Float32Array.from(answer === undefined ? scored.fill(Number.NaN) : logp),
          hit: Uint8Array.from(hits, Number),
          topLogp: new Float32Array(scored.length),
          sumSquares: new Float32Array(scored.length),
        };
      });
    },
    async generate(batch: readonly GenerateRequest[]) {
      calls.generated.push(...batch);
      return batch.map(({ ids, maxNewTokens, stopIds }) => {
        const all = idsOf(answerTo(textOf(ids)) ?? '').slice(0, maxNewTokens);
        const stop = all.findIndex((id) => stopIds.includes(id));
        return { ids: stop < 0 ? all : all.slice(0, stop + 1), finish: 'stop' as const };
      });
    },
  };
  return { engine: engine as unknown as Engine, calls };
}

const setOf = (...rows: object[]): TaskSet =>
  parseTask(rows.map((row) => JSON.stringify(row)).join('\n'), 'task.jsonl');

function optionsOf(set: TaskSet, changes: Partial<TaskPlanOptions> = {}): TaskPlanOptions {
  return {
    ...{ path: 'task.jsonl', method: 'generation', prompt: '{text}?', continuation: ' {label}\n' },
    encode: (text, special) => [...(special ? [BOS] : []), ...idsOf(text)],
    decode: textOf,
    ...{ eosId: 0, maxPositions: 64, vocabSize: 128, batchTokens: 64, headLabels: null },
    set,
    ...changes,
  };
}

async function rowsOf(options: TaskPlanOptions, engine: Engine): Promise<ItemRow[]> {
  const plan = planTask(options);
  const signal = new AbortController().signal;
  const rows: ItemRow[] = [];
  let tokens = 0;
  for (const [batch, members] of plan.batches.entries()) {
    const pass = await plan.pass(engine, members, { batch, signal });
    rows.push(...(pass.rows as ItemRow[]));
    tokens += pass.tokens;
  }
  expect(tokens).toBe(plan.tokens());
  return rows.toSorted((a, b) => a.item - b.item);
}

const REQUESTS = setOf(
  { text: 'play', label: 'music' },
  { text: 'rain', label: 'weather' },
  { text: 'dim', label: 'lights' },
);

describe('by generation', () => {
  test('what is right is not generated, what is wrong says what it said', async () => {
    const { engine, calls } = modelThatSays({
      'play?': ' music\nmore',
      'rain?': ' lights\nmore',
      'dim?': ' who knows',
    });
    const rows = await rowsOf(optionsOf(REQUESTS), engine);
    expect(rows).toMatchObject([
      { label: 'music', predicted: 'music', correct: true, tokens: 7, logp: -1.75 },
      { label: 'weather', predicted: 'lights', correct: false, generated: ' lights\n' },
      { label: 'lights', predicted: null, correct: false, generated: ' who knows' },
    ]);
    expect(rows[0]).not.toHaveProperty('generated');
    expect(calls.generated.map(({ ids }) => textOf(ids)).toSorted()).toEqual(['dim?', 'rain?']);
    // The end mark and the end of a text stop it; an answer may take twice its tokens.
    const [first] = calls.generated;
    expect(first).toMatchObject({ stopIds: [0, 10], maxNewTokens: 18 });
  });

  test('an answer in other tokens is right after trimming', async () => {
    const { engine } = modelThatSays({ 'play?': '   music \n', 'rain?': ' x', 'dim?': ' x' });
    const [first] = await rowsOf(optionsOf(REQUESTS), engine);
    expect(first).toMatchObject({ predicted: 'music', correct: true, generated: '   music \n' });
  });

  test('where a probability is not finite there is no answer', async () => {
    const { engine, calls } = modelThatSays({ 'rain?': ' weather\n', 'dim?': ' lights\n' });
    const rows = await rowsOf(optionsOf(REQUESTS), engine);
    expect(rows[0]).toMatchObject({ predicted: null, correct: false, logp: null });
    expect(rows[1]).toMatchObject({ predicted: 'weather', correct: true });
    expect(calls.generated).toEqual([]);
  });

  test('never asks for more than the model has room for', async () => {
    const { engine, calls } = modelThatSays({ 'play?': ' x', 'rain?': ' x', 'dim?': ' x' });
    await rowsOf(optionsOf(REQUESTS, { maxPositions: 15 }), engine);
    for (const { ids, maxNewTokens } of calls.generated) {
      expect(ids.length + maxNewTokens - 1).toBeLessThanOrEqual(15);
    }
  });
});

describe('by likelihood', () => {
  test('every label is scored behind the prompt, the most likely is the answer', async () => {
    const { engine, calls } = modelThatSays({
      'play?': ' music\n',
      'rain?': ' lights\n',
      'dim?': ' lights\n',
    });
    const rows = await rowsOf(optionsOf(REQUESTS, { method: 'likelihood' }), engine);
    expect(calls.scored).toBe(9);
    expect(rows.map((row) => row.predicted)).toEqual(['music', 'lights', 'lights']);
    expect(rows.map((row) => row.correct)).toEqual([true, false, true]);
    for (const row of rows) {
      expect(row.scores).toHaveLength(3);
      const at = ['music', 'weather', 'lights'].indexOf(row.label);
      expect(row.logp).toBe(row.scores![at]);
      expect(row).not.toHaveProperty('choices');
    }
  });

  test('choices are the item’s own and stand in its row; the first of a tie wins', async () => {
    const choices = setOf(
      { context: 'a', choices: ['no', 'yes'], answer: 1 },
      { context: 'b', choices: ['pq', 'qp'], answer: 'qp' },
    );
    const { engine } = modelThatSays({ 'a?': ' yes\n', 'b?': '' });
    const options = optionsOf(choices, { method: 'likelihood', continuation: ' {choice}' });
    expect(labelsOf(options)).toEqual([]);
    expect(await rowsOf(options, engine)).toMatchObject([
      { choices: ['no', 'yes'], predicted: 'yes', correct: true, label: 'yes' },
      { choices: ['pq', 'qp'], predicted: 'pq', correct: false, label: 'qp' },
    ]);
  });

  test('more candidates than a micro-batch holds are scored piece by piece', async () => {
    const labels = Array.from({ length: 20 }, (_, i) => ({ text: 'q', label: `label ${i}` }));
    const { engine } = modelThatSays({ 'q?': ' label 7\n' });
    let largest = 0;
    const watched: Engine = {
      ...engine,
      score(windows, signal) {
        largest = Math.max(
          largest,
          windows.reduce((n, { ids }) => n + ids.length, 0),
        );
        return engine.score(windows, signal);
      },
    };
    const rows = await rowsOf(optionsOf(setOf(...labels), { method: 'likelihood' }), watched);
    expect(rows.every((row) => row.predicted === 'label 7')).toBe(true);
    expect(largest).toBeLessThanOrEqual(64);
  });
});

describe('by a classification head', () => {
  const headLabels = ['music', 'weather', 'lights', 'other'];
  const engine = {
    labels: headLabels,
    async classify(rows: readonly (readonly number[])[]) {
      return rows.map((ids) => {
        const at = textOf(ids) === 'play' ? 0 : textOf(ids) === 'rain' ? 3 : -1;
        return Float32Array.from(headLabels, (_, i) => (at < 0 ? Number.NaN : i === at ? 2 : 0));
      });
    },
  } as Partial<Engine & WithClassification> as Engine;

  test('the largest logit answers; ln p is that of the softmax', async () => {
    const options = optionsOf(REQUESTS, { method: 'head', prompt: '{text}', headLabels });
    const rows = await rowsOf({ ...options, encode: (text) => idsOf(text) }, engine);
    const total = Math.log(Math.exp(2) + 3);
    expect(rows[0]).toMatchObject({ predicted: 'music', correct: true, scores: [2, 0, 0, 0] });
    expect(rows[0]!.logp).toBeCloseTo(2 - total, 12);
    expect(rows[1]).toMatchObject({ predicted: 'other', correct: false, tokens: 0 });
    expect(rows[1]!.logp).toBeCloseTo(0 - total, 12);
    expect(rows[2]).toMatchObject({ predicted: null, correct: false, logp: null });
  });

  test('labels that it does not have are told with their lines', () => {
    const work = () => checkTask({ ...optionsOf(REQUESTS), method: 'head', headLabels: ['music'] });
    expect(work).toThrow(FormatError);
    expect(work).toThrow(/:2: the model has no label "weather"\n.*:3: the model has no label/);
  });
});

describe('method, rows and model', () => {
  const choices = setOf({ context: 'a', choices: ['x', 'y'], answer: 0 });
  const ids = setOf({ input_ids: [1], label: 'x' });

  test('have a default that fits', () => {
    expect(defaultMethod({ set: REQUESTS, headLabels: null })).toBe('generation');
    expect(defaultMethod({ set: choices, headLabels: null })).toBe('likelihood');
    expect(defaultMethod({ set: REQUESTS, headLabels: ['a'] })).toBe('head');
  });

  test.each<[string, TaskSet, Partial<TaskPlanOptions>, string]>([
    ['a head that is not there', REQUESTS, { method: 'head' }, 'no classification head'],
    ['choices for a head', choices, { method: 'head', headLabels: ['x'] }, 'have choices'],
    ['text of a classifier', REQUESTS, { headLabels: ['music'] }, 'is a classifier'],
    ['choices by generation', choices, {}, 'have choices'],
    ['no label in the continuation', REQUESTS, { continuation: ' yes' }, 'must hold {label}'],
    ['no text in the prompt', REQUESTS, { prompt: 'which?' }, 'asks every item the same'],
    ['the answer in the prompt', REQUESTS, { prompt: '{text}: {label}' }, 'tells the answer'],
    ['token ids for a prompt', ids, { method: 'likelihood' }, ':1: method likelihood needs "text"'],
  ])('%s is refused', (_, set, changes, says) => {
    const work = () => checkTask(optionsOf(set, changes));
    expect(work).toThrow(says);
    expect(work).toThrow(set === ids ? FormatError : UsageError);
  });
});
