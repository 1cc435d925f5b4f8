import { describe, expect, test } from 'vitest';
import type { Engine, ScoredWindow, TokenWindow } from '../engine/engine.ts';
import { Cancelled } from '../record/errors.ts';
import type { SampleRow } from '../record/rows.ts';
import { planEval } from './eval/plan.ts';
import { evalScoringPlan } from './eval/scoring-plan.ts';
import { checkRepeat, type ScoringOptions, scoreBatches } from './scoring.ts';

/** Scores by rule, so that a row can be traced to its token: ln p = −id, a hit for even ids. */
function scoreOf({ ids, scoreFrom }: TokenWindow): ScoredWindow {
  const scored = ids.slice(scoreFrom);
  return {
    logp: Float32Array.from(scored, (id) => -id),
    hit: Uint8Array.from(scored, (id) => (id % 2 === 0 ? 1 : 0)),
    topLogp: Float32Array.from(scored, () => -0.5),
    sumSquares: Float32Array.from(scored, () => 0.25),
  };
}

type ScoringEngine = Pick<Engine, 'score'> & { calls: number };

function engine(score: (window: TokenWindow, call: number) => ScoredWindow = scoreOf) {
  const built: ScoringEngine = {
    calls: 0,
    async score(windows) {
      built.calls++;
      return windows.map((window) => score(window, built.calls));
    },
  };
  return built as ScoringEngine & Engine;
}

const documents = Array.from({ length: 12 }, (_, d) => ({
  ids: Array.from({ length: 3 + d }, (_, i) => (7 * d + i) % 50),
}));

const plan = evalScoringPlan(
  planEval({
    corpusPath: 'c.jsonl',
    documents,
    encode: null,
    decode: null,
    vocabSize: 64,
    budget: 'extended',
    batchTokens: 24,
    context: 8,
    stride: 4,
  }),
);

interface Sink {
  readonly writes: SampleRow[][];
  synced: number;
  append(rows: readonly SampleRow[]): void;
  sync(): void;
}

function sink(): Sink {
  return {
    writes: [],
    synced: 0,
    append(rows) {
      this.writes.push([...rows]);
    },
    sync() {
      this.synced = this.writes.length;
    },
  };
}

function options(changes: Partial<ScoringOptions> = {}): ScoringOptions & { sink: Sink } {
  const signal = new AbortController().signal;
  const loop = { engine: engine(), plan, sink: sink(), signal, done: new Set<number>() };
  return { ...loop, onProgress() {}, ...changes } as ScoringOptions & { sink: Sink };
}

describe('scoring', () => {
  test('each batch is one write: its rows, closed by a row that counts them', async () => {
    const loop = options();
    await scoreBatches(loop);
    expect(loop.sink.writes).toHaveLength(plan.batches.length);
    for (const [batch, rows] of loop.sink.writes.entries()) {
      const members = plan.batches[batch]!;
      const close = rows.at(-1)!;
      const windows = members.map((index) => plan.windowAt(index));
      expect(rows).toHaveLength(members.length + 1);
      expect(close).toMatchObject({
        kind: 'batch',
        batch,
        rows: members.length,
        tokens: windows.reduce((n, window) => n + window.ids.length, 0),
        scored: windows.reduce((n, window) => n + window.ids.length - window.scoreFrom, 0),
        warmup: batch === 0,
      });
      for (const row of rows.slice(0, -1)) expect(row).toMatchObject({ kind: 'window', batch });
    }
    expect(loop.sink.synced).toBe(plan.batches.length);
  });

  test('a row holds the scores of its own window', async () => {
    const loop = options();
    await scoreBatches(loop);
    const rows = loop.sink.writes.flat().filter((row) => row.kind === 'window');
    for (const row of rows) {
      const ids = documents[row.document]!.ids.slice(4 * row.window).slice(0, 8);
      const targets = ids.slice(row.scoreFrom);
      expect(row.logp.map((value) => Math.abs(value!))).toEqual(targets);
      expect(row.hit).toBe(targets.map((id) => (id % 2 === 0 ? '1' : '0')).join(''));
    }
    const scored = rows.reduce((n, row) => n + row.logp.length, 0);
    expect(scored).toBe(documents.reduce((n, { ids }) => n + ids.length - 1, 0));
  });

  test('what an interrupted attempt acknowledged is not scored again; the first call is warm-up', async () => {
    const whole = options();
    await scoreBatches(whole);
    const done = new Set([0, 2]);
    const rest = options({ done });
    await scoreBatches(rest);
    const withoutTime = (rows: SampleRow[]) =>
      rows.map((row) => (row.kind === 'batch' ? { ...row, ms: 0, warmup: false } : row));
    expect(rest.sink.writes.map(withoutTime)).toEqual(
      whole.sink.writes.filter((_, batch) => !done.has(batch)).map(withoutTime),
    );
    const closes = rest.sink.writes.map((rows) => rows.at(-1) as { warmup: boolean });
    expect(closes.map(({ warmup }) => warmup)).toEqual(closes.map((_, i) => i === 0));
  });

  test('stops between two batches when asked to, with every finished one written', async () => {
    const abort = new AbortController();
    const loop = options({
      signal: abort.signal,
      onProgress: ({ batches }) => {
        if (batches === 2) abort.abort();
      },
    });
    await expect(scoreBatches(loop)).rejects.toThrow(Cancelled);
    expect(loop.sink.writes).toHaveLength(2);
  });

  test('NaN and infinite scores are recorded as null', async () => {
    const broken = engine((window) => {
      const scored = scoreOf(window);
      scored.logp[0] = Number.NaN;
      scored.topLogp[0] = Number.NEGATIVE_INFINITY;
      return scored;
    });
    const loop = options({ engine: broken });
    await scoreBatches(loop);
    const line = JSON.stringify(loop.sink.writes[0]![0]);
    expect(JSON.parse(line)).toMatchObject({
      kind: 'window',
      logp: expect.arrayContaining([null]),
    });
  });
});

describe('repeating batches', () => {
  test('scores up to eight batches twice and finds equal bits equal', async () => {
    const repeated = engine();
    const loop = options({ engine: repeated });
    await checkRepeat(loop);
    const rows = loop.sink.writes.flat();
    const count = Math.min(8, plan.batches.length);
    expect(rows).toHaveLength(count);
    expect(repeated.calls).toBe(2 * count);
    expect(rows.every((row) => row.kind === 'repeat' && row.bitEqual)).toBe(true);
    expect(new Set(rows.map((row) => (row as { batch: number }).batch)).size).toBe(count);
  });

  test('sees the last bit of any field, and tells NaN from NaN only by its bits', async () => {
    const fields = ['logp', 'topLogp', 'sumSquares', 'hit'] as const;
    for (const field of fields) {
      const wavering = engine((window, call) => {
        const scored = scoreOf(window);
        const bytes = new Uint8Array(scored[field].buffer);
        if (call % 2 === 0) bytes[0]! ^= 1;
        return scored;
      });
      const loop = options({ engine: wavering });
      await checkRepeat(loop);
      const rows = loop.sink.writes.flat();
      expect(rows.every((row) => row.kind === 'repeat' && !row.bitEqual)).toBe(true);
    }
    const loop = options({
      engine: engine((window) => {
        const scored = scoreOf(window);
        scored.logp.fill(Number.NaN);
        return scored;
      }),
    });
    await checkRepeat(loop);
    expect(loop.sink.writes.flat().every((row) => row.kind === 'repeat' && row.bitEqual)).toBe(
      true,
    );
  });
});
