import { describe, expect, test } from 'vitest';
import { FORMULAS } from '../analyze/formulas.ts';
import { groupSamples } from '../analyze/samples.ts';
import type { SampleRow } from '../record/rows.ts';
import type { EngineInfo, ModelIdentity } from '../record/schema.ts';
import type { MeasureSettings } from './cell.ts';
import { deriveMetrics, metricRequests } from './metrics.ts';

const EVAL: MeasureSettings = {
  kind: 'eval',
  corpusPath: 'c.txt',
  budget: 'smoke',
  batch_tokens: 2_048,
  check_repeat: false,
};
const TASK: MeasureSettings = {
  kind: 'task',
  method: 'generation',
  filePath: 'i.jsonl',
  name: 'intents',
  prompt: '{text}',
  continuation: ' {label}',
  batch_tokens: 2_048,
  check_repeat: true,
};

const requestsOf = (measure: MeasureSettings) =>
  metricRequests({ measure, seed: 7, cores: 2 }, groupSamples([]));
const names = (measure: MeasureSettings) => requestsOf(measure).map(({ name }) => name);

describe('requests', () => {
  test('every formula is known, every name is used once', () => {
    for (const measure of [EVAL, TASK]) {
      const requests = requestsOf(measure);
      for (const { formula } of requests) expect(FORMULAS).toHaveProperty([formula]);
      expect(new Set(names(measure)).size).toBe(requests.length);
    }
  });

  test('seed and resamples are recorded with every interval that draws', () => {
    const drawn = requestsOf(EVAL).filter(({ params }) => 'seed' in params);
    expect(drawn.length).toBeGreaterThan(5);
    for (const { params } of drawn) expect(params).toMatchObject({ seed: 7, resamples: 2_000 });
  });

  test('buckets of context end where the context ends, and leave no gap', () => {
    const buckets = requestsOf({ ...EVAL, context: 256 }).filter(
      ({ formula }) => formula === 'eval.loss-at-context/1',
    );
    expect(buckets.map(({ params }) => [params.from, params.to])).toEqual([
      [1, 64],
      [64, 128],
      [128, 256],
    ]);
  });

  test('repeats are asked for only where they were measured', () => {
    expect(names(EVAL)).not.toContain('bitEqualRepeats');
    expect(names(TASK)).toContain('bitEqualRepeats');
  });
});

const windows = Array.from({ length: 10 }, (_, document): SampleRow => {
  const token = { logp: [-1, -2], hit: '10', topLogp: [-0.5, -0.5], sumSquares: [0.5, 0.5] };
  return { kind: 'window', batch: 0, document, window: 0, scoreFrom: 1, ...token };
});
const rows: SampleRow[] = [
  ...windows,
  { kind: 'load', part: 0, loadMs: 100 },
  { kind: 'batch', batch: 0, rows: 10, tokens: 30, scored: 20, ms: 5, warmup: false },
  { kind: 'memory', part: 0, peakRssBytes: 1_000, weightBytes: 100 },
];

describe('metrics of a run', () => {
  const model = { dummyWeights: false } as ModelIdentity;
  const engine = { simulated: null } as EngineInfo;
  const derive = (labels: { engine: EngineInfo | null; model: ModelIdentity }) =>
    deriveMetrics({ measure: EVAL, seed: 7, cores: 2 }, groupSamples(rows), labels);

  test('buckets that no token reached are left out', () => {
    const found = Object.keys(derive({ engine, model }));
    expect(found).toContain('lossAtContext1');
    expect(found).not.toContain('lossAtContext64');
  });

  test('a simulated scheme marks speed and memory, not quality and stored size', () => {
    const simulated = { simulated: 'f32 arithmetic' } as EngineInfo;
    const found = derive({ engine: simulated, model });
    const marked = Object.keys(found).filter((name) => found[name]!.simulated);
    expect(marked.toSorted()).toEqual([
      'loadSeconds',
      'peakMemoryBytes',
      'residentWeightBytes',
      'tokensPerSecond',
    ]);
    expect(found.tokensPerSecond!.simulated).toBe('simulated: f32 arithmetic');
  });

  test('dummy weights mark everything but the stored size', () => {
    const found = derive({ engine, model: { dummyWeights: true } as ModelIdentity });
    const unmarked = Object.keys(found).filter((name) => !found[name]!.simulated);
    expect(unmarked).toEqual(['storedWeightBytes']);
    expect(found.perplexity!.simulated).toBe('dummy weights');
  });

  test('nothing is marked on real weights and real arithmetic', () => {
    const found = derive({ engine, model });
    expect(Object.values(found).filter((metric) => metric.simulated)).toEqual([]);
  });
});
