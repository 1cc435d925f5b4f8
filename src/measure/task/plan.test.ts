import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScoredWindow } from '../../engine/engine.ts';
import { FormatError, LimitError } from '../../record/errors.ts';
import { loadItems, planTask, type TaskPlanOptions } from './plan.ts';

const BOS = 1;

/** Greedy over single characters and the given pieces, with BOS: merges wherever a piece fits. */
function encoder(pieces: readonly string[] = []): TaskPlanOptions['encode'] {
  const longest = pieces.toSorted((a, b) => b.length - a.length);
  return (text, special) => {
    const ids = special ? [BOS] : [];
    for (let at = 0; at < text.length; ) {
      const piece = longest.find((p) => text.startsWith(p, at)) ?? text[at]!;
      ids.push(piece.length > 1 ? 1_000 + pieces.indexOf(piece) : piece.charCodeAt(0));
      at += piece.length;
    }
    return ids;
  };
}

const ids = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));

function plan(
  items: readonly { text: string; label: string }[],
  changes: Partial<TaskPlanOptions> = {},
) {
  return planTask({
    path: 'intents.jsonl',
    items,
    prompt: '{text}?',
    continuation: ' {label}',
    encode: encoder(),
    maxPositions: 64,
    batchTokens: 64,
    ...changes,
  });
}

describe('prompt and label', () => {
  test('all of the label and nothing of the prompt is scored', () => {
    const found = plan([{ text: 'play', label: 'music' }]);
    const { ids: window, scoreFrom } = found.windowAt(0);
    expect(window).toEqual([BOS, ...ids('play? music')]);
    expect(window.slice(scoreFrom)).toEqual(ids(' music'));
    expect(found.scoredTokens).toBe(6);
    expect(found.findings).toEqual([]);
  });

  test('a text that holds {label} is taken as it is: the answer does not leak', () => {
    const found = plan([{ text: 'say {label} or {text} $& $1', label: 'yes' }]);
    expect(found.windowAt(0).ids).toEqual([BOS, ...ids('say {label} or {text} $& $1? yes')]);
  });

  test('several placeholders are all replaced', () => {
    const found = plan([{ text: 'a', label: 'b' }], {
      prompt: '{text}{text}:',
      continuation: '{label}{label}',
    });
    expect(found.windowAt(0)).toEqual({ ids: [BOS, ...ids('aa:bb')], scoreFrom: 4 });
  });

  test('where the tokenizer merges across the boundary the two are encoded apart, and told', () => {
    const encode = encoder(['? m']);
    const found = plan(
      [
        { text: 'play', label: 'music' },
        { text: 'play', label: 'news' },
      ],
      { encode },
    );
    const { ids: window, scoreFrom } = found.windowAt(0);
    // The merged piece would hold the end of the prompt and the beginning of the label.
    expect(window).toEqual([BOS, ...ids('play? music')]);
    expect(window.slice(scoreFrom)).toEqual(ids(' music'));
    expect(found.findings).toEqual([
      expect.objectContaining({ code: 'token-boundary', severity: 'info' }),
    ]);
    expect(found.findings[0]!.message).toContain('in 1 of 2 items');
  });
});

describe('what is refused', () => {
  test('an item that is longer than the model’s context', () => {
    const work = () => plan([{ text: 'x'.repeat(70), label: 'y' }]);
    expect(work).toThrow(LimitError);
    expect(work).toThrow('item 0 has 74 tokens, the model takes 64');
  });

  test('a continuation without tokens: every item would be correct of nothing', () => {
    const work = () => plan([{ text: 'a', label: 'b' }], { continuation: '' });
    expect(work).toThrow(FormatError);
    expect(work).toThrow('intents.jsonl: item 0: the continuation has no tokens to score');
  });

  test('an empty prompt without BOS: the first token of the label would go unscored', () => {
    const encode: TaskPlanOptions['encode'] = (text) => ids(text);
    const work = () => plan([{ text: '', label: 'b' }], { prompt: '{text}', encode });
    expect(work).toThrow('item 0: the prompt has no tokens');
  });
});

describe('the row of an item', () => {
  const scored = (logp: number[], hit: number[]): ScoredWindow => ({
    logp: Float32Array.from(logp),
    hit: Uint8Array.from(hit),
    topLogp: new Float32Array(logp.length),
    sumSquares: new Float32Array(logp.length),
  });
  const rowOf = (logp: number[], hit: number[]) =>
    plan([{ text: 'a', label: 'b' }]).rowOf(0, 3, scored(logp, hit));

  test('is correct only if every token of the label was the argmax', () => {
    expect(rowOf([-0.5, -0.25], [1, 1])).toEqual({
      kind: 'item',
      batch: 3,
      item: 0,
      label: 'b',
      correct: true,
      logp: -0.75,
      tokens: 2,
    });
    expect(rowOf([-0.5, -0.25], [1, 0])).toMatchObject({ correct: false });
  });

  test('is never correct where a probability is not finite', () => {
    expect(rowOf([Number.NaN, -0.25], [1, 1])).toMatchObject({ correct: false });
    expect(rowOf([Number.NEGATIVE_INFINITY, 0], [1, 1])).toMatchObject({ correct: false });
  });
});

describe('a labelled file', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'assay-items-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const load = (content: string) => {
    const path = join(dir, 'items.jsonl');
    writeFileSync(path, content);
    return loadItems(path);
  };

  test('rows have text and label; more keys are ignored', async () => {
    const rows = '\uFEFF{"text":"a","label":"b","id":7}\r\n\n{"text":"","label":"c"}\n';
    expect(await load(rows)).toEqual([
      { text: 'a', label: 'b' },
      { text: '', label: 'c' },
    ]);
  });

  test.each([
    ['a row without label', '{"text":"a","label":"b"}\n{"text":"a"}', ':2: a row needs'],
    ['an empty label', '{"text":"a","label":""}', ':1: a row needs'],
    ['a label that is a number', '{"text":"a","label":1}', ':1: a row needs'],
    ['nothing', '\n', 'the labelled set is empty'],
  ])('%s is refused', async (_, content, says) => {
    await expect(load(content)).rejects.toThrow(says);
    await expect(load(content)).rejects.toThrow(FormatError);
  });
});
