import { describe, expect, test } from 'vitest';
import type { Engine } from '../../engine/engine.ts';
import { Cancelled, EngineError, UsageError } from '../../record/errors.ts';
import type { SampleRow } from '../../record/rows.ts';
import { ContentionMeter } from './contention.ts';
import { type BenchSettings, planBench } from './plan.ts';
import { CellRounds, NOTHING_DONE } from './round.ts';

type RoundsEngine = Pick<Engine, 'generate' | 'memory' | 'kvBytesPerToken'>;

/** Counts upwards from each prompt's first token, a step at a time for all rows. */
function engine(before: (call: number) => void = () => {}): RoundsEngine & { calls: number } {
  const built = {
    calls: 0,
    kvBytesPerToken: 8,
    allocated: 0,
    async generate(
      batch: Parameters<Engine['generate']>[0],
      onToken: Parameters<Engine['generate']>[1],
    ) {
      before(built.calls++);
      const steps = batch[0]!.maxNewTokens;
      built.allocated = 1_000 * batch.length;
      for (let index = 0; index < steps; index++) {
        for (const [request, { ids }] of batch.entries()) {
          onToken({ request, index, id: ids[0]! + index });
        }
      }
      return batch.map(({ ids }) => ({
        ids: Array.from({ length: steps }, (_, i) => ids[0]! + i),
        finish: 'length' as const,
      }));
    },
    async memory() {
      return { weightBytes: 77, kvCacheBytes: built.allocated, peakRssBytes: 99 };
    },
    close: async () => {},
  };
  return built;
}

const settings: BenchSettings = {
  batch_size: 2,
  runs: 6,
  warmup: 2,
  rounds: 3,
  new_tokens: 3,
  prompt_count: 4,
  prompt_tokens: 2,
};
const prompts = [
  [10, 1],
  [20, 1, 1],
  [30, 1],
  [40, 1],
];

function cell(of: { engine?: RoundsEngine; progress?: typeof NOTHING_DONE } = {}) {
  const rows: SampleRow[] = [];
  let synced = 0;
  const rounds = new CellRounds({
    engine: of.engine ?? engine(),
    plan: planBench(settings, { prompts, findings: [] }),
    settings,
    sink: { append: (more) => void rows.push(...more), sync: () => void synced++ },
    meter: new ContentionMeter(() => ({ busyMs: null, stealMs: null, ownMs: 0 })),
    part: 0,
    progress: of.progress ?? NOTHING_DONE,
  });
  const kinds = (kind: SampleRow['kind']) => rows.filter((row) => row.kind === kind);
  return { rounds, rows, kinds, synced: () => synced };
}

const { signal } = new AbortController();

describe('the rounds of a cell', () => {
  test('warm-up once in full, later one; all recorded, numbered without a gap', async () => {
    const { rounds, kinds } = cell();
    for (const round of [0, 1, 2]) await rounds.run(round, 1_000 * round, signal);
    const iterations = kinds('iteration') as Extract<SampleRow, { kind: 'iteration' }>[];
    expect(iterations.map(({ round, warmup }) => [round, warmup])).toEqual([
      ...[
        [0, true],
        [0, true],
        [0, false],
        [0, false],
      ],
      ...[
        [1, true],
        [1, false],
        [1, false],
      ],
      ...[
        [2, true],
        [2, false],
        [2, false],
      ],
    ]);
    expect(iterations.map(({ iteration }) => iteration)).toEqual(iterations.map((_, i) => i));
    const closing = kinds('round') as Extract<SampleRow, { kind: 'round' }>[];
    expect(closing.map(({ rows, startedMs }) => [rows, startedMs])).toEqual([
      [4, 0],
      [3, 1_000],
      [3, 2_000],
    ]);
  });

  test('times are those of the whole batch and add up', async () => {
    const { rounds, kinds } = cell();
    await rounds.run(0, 0, signal);
    for (const row of kinds('iteration') as Extract<SampleRow, { kind: 'iteration' }>[]) {
      expect(row).toMatchObject({ newTokens: 6 });
      expect(row.stepMs).toHaveLength(2);
      expect(row.ttftMs).toBeGreaterThan(0);
      expect(row.prefillMs).toBeGreaterThanOrEqual(row.ttftMs);
      const sum = row.prefillMs + row.stepMs.reduce((a, b) => a + b);
      expect(row.e2eMs).toBeGreaterThanOrEqual(sum - 1e-9);
      expect(row.stepMs.every((step) => step >= 0)).toBe(true);
    }
  });

  test('what each prompt was continued with is recorded once', async () => {
    const { rounds, kinds } = cell();
    for (const round of [0, 1, 2]) await rounds.run(round, 0, signal);
    expect(kinds('generated')).toEqual(
      prompts.map(([first], prompt) => ({
        kind: 'generated',
        prompt,
        ids: [first!, first! + 1, first! + 2],
        finish: 'length',
      })),
    );
  });

  test('memory once, with the largest cache as allocated and as computed', async () => {
    const { rounds, kinds } = cell();
    for (const round of [0, 1]) await rounds.run(round, 0, signal);
    const kv = { kvCacheBytes: 2_000, kvComputedBytes: 2 * (3 + 3 - 1) * 8 };
    expect(kinds('memory')).toEqual([
      { kind: 'memory', part: 0, peakRssBytes: 99, weightBytes: 77, ...kv },
    ]);
  });

  test('a successor goes on where the rows end', async () => {
    const progress = { nextIteration: 40, generated: [0, 1, 2], memory: true };
    const { rounds, kinds } = cell({ progress });
    await rounds.run(1, 0, signal);
    expect(kinds('iteration').map((row) => 'iteration' in row && row.iteration)).toEqual([
      ...[40, 41, 42, 43],
    ]);
    expect(kinds('generated').map((row) => 'prompt' in row && row.prompt)).toEqual([3]);
    expect(kinds('memory')).toEqual([]);
  });
});

describe('what fails', () => {
  test('is counted, and the round goes on', async () => {
    const flaky = engine((call) => {
      if (call === 2) throw new EngineError('the runtime said no');
    });
    const { rounds, kinds } = cell({ engine: flaky });
    await rounds.run(0, 0, signal);
    expect(kinds('failure')).toEqual([
      { kind: 'failure', round: 0, iteration: 2, message: 'the runtime said no' },
    ]);
    expect(kinds('iteration')).toHaveLength(3);
    expect(kinds('round')).toMatchObject([{ rows: 4 }]);
  });

  test('three times in a row ends the cell', async () => {
    const broken = engine(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    const { rounds, kinds } = cell({ engine: broken });
    const run = rounds.run(0, 0, signal);
    await expect(run).rejects.toThrow(/3 iterations in a row failed: Array buffer allocation/);
    expect(kinds('failure')).toHaveLength(3);
    expect(kinds('round')).toEqual([]);
  });

  test('what was asked for in vain is no failure of a measurement', async () => {
    const refusing = engine(() => {
      throw new UsageError('a classifier has no next token');
    });
    const { rounds, rows } = cell({ engine: refusing });
    await expect(rounds.run(0, 0, signal)).rejects.toThrow(UsageError);
    expect(rows).toEqual([]);
  });

  test('an abort ends the round without its closing row', async () => {
    const abort = new AbortController();
    const { rounds, kinds } = cell({
      engine: engine((call) => {
        if (call === 1) abort.abort();
      }),
    });
    await expect(rounds.run(0, 0, abort.signal)).rejects.toThrow(Cancelled);
    expect(kinds('iteration')).toHaveLength(1);
    expect(kinds('round')).toEqual([]);
  });
});
