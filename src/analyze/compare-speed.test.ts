import { describe, expect, test } from 'vitest';
import type { SampleRow } from '../record/rows.ts';
import type { Manifest } from '../record/schema.ts';
import { compareRuns } from './compare.ts';
import type { Comparison } from './comparison.ts';
import { below, type RandomU32, sfc32 } from './random.ts';
import { groupSamples, type Samples } from './samples.ts';

const PARAMS = { seed: 42, resamples: 200, margin: 0.02 };
type Changes = Partial<Pick<Manifest, 'startedAt' | 'endedAt' | 'findings' | 'engine' | 'config'>>;

const ENGINE = { name: 'e', device: 'cpu', threads: 2, scheme: 'int8-g128', simulated: null };

function manifest(changes: Changes = {}, hostname = 'here'): Manifest {
  const cpu = { model: 'a CPU', logicalCores: 2, flags: [] };
  return {
    variant: { model: 'm', scheme: 'int8-g128' },
    config: { measure: { kind: 'bench', batch_size: 1, new_tokens: 8, promptsPath: '/a' } },
    seeds: { bootstrap: 1 },
    environment: { hostname, cpu },
    engine: ENGINE,
    startedAt: '2026-11-20T05:00:00.000Z',
    endedAt: '2026-11-20T06:00:00.000Z',
    findings: [],
    ...changes,
  } as unknown as Manifest;
}

/** Rounds of end-to-end times. */
function cell(rounds: readonly (readonly number[])[], tokens = 8): Samples {
  let iteration = 0;
  return groupSamples(
    rounds.flatMap((times, round) =>
      times.map((e2eMs): SampleRow => {
        const fed = { promptTokens: 16, newTokens: tokens, ttftMs: 1, prefillMs: 1, stepMs: [1] };
        const about = { round, iteration: iteration++, warmup: false };
        return { kind: 'iteration', ...about, ...fed, e2eMs, cpuMs: e2eMs };
      }),
    ),
  );
}

const flat = (time: number, rounds = 12): number[][] =>
  Array.from({ length: rounds }, (_, round) => [time * (1 + round / 50), time * (1 + round / 40)]);

const ratio = (
  variant: Samples,
  baseline: Samples,
  { own = {}, base = {} }: { own?: Changes; base?: Changes } = {},
): Comparison => {
  const manifests = { variant: manifest(own), baseline: manifest(base) };
  return compareRuns('compare.latency-ratio/1', { variant, baseline, manifests }, PARAMS);
};

describe('latency ratio', () => {
  test('what both go through cancels: drift leaves no width', () => {
    const compared = ratio(cell(flat(5)), cell(flat(10)));
    expect(compared.value).toBeCloseTo(0.5, 12);
    expect(compared.ci95![1] - compared.ci95![0]).toBeLessThan(1e-9);
    expect(compared).toMatchObject({ verdict: 'better', units: 12, unitOf: 'rounds', n: 48 });
    expect(compared.note).toBe('no two rounds differ: the interval has no width');
  });

  test('less time is better, more is worse, inside the margin it is the same', () => {
    const base = cell(flat(10));
    expect(ratio(cell(flat(9.9)), base).verdict).toBe('equivalent');
    expect(ratio(cell(flat(12)), base).verdict).toBe('worse');
    const wild = flat(10).map(([a, b], round) => [a! * (round % 2 ? 1.5 : 0.7), b!]);
    expect(ratio(cell(wild), base).verdict).toBe('inconclusive');
  });

  test('only rounds that both have count; under ten there is no interval', () => {
    const compared = ratio(cell(flat(5, 9)), cell(flat(10)));
    expect(compared).toMatchObject({
      units: 9,
      ci95: null,
      verdict: 'inconclusive',
      reason: '9 rounds: an interval needs 10',
    });
  });
});

describe('what stands beside the verdict', () => {
  test('suspect cells, times apart, other lengths', () => {
    const message = 'times rose by 30 %';
    const findings = [{ code: 'suspect-drift', severity: 'warning' as const, message }];
    const startedAt = '2026-11-21T05:00:00.000Z';
    const own = { findings, startedAt, endedAt: null };
    const compared = ratio(cell(flat(5), 6), cell(flat(10)), { own });
    expect(compared.verdict).toBe('better');
    expect(compared.note!.split('; ')).toEqual([
      'int8-g128 is suspect (drift)',
      'the two did not run interleaved: drift is in the ratio',
      'its texts are 25.0 % shorter than the baseline’s',
      'no two rounds differ: the interval has no width',
    ]);
  });
});

describe('runs that were not interleaved', () => {
  const startedAt = '2026-11-21T05:00:00.000Z';
  const apart = { variant: manifest({ startedAt, endedAt: null }), baseline: manifest() };
  const compare = (formula: string, variant: Samples, baseline: Samples): Comparison =>
    compareRuns(formula, { variant, baseline, manifests: apart }, PARAMS);
  const noisy = (of: number, rounds = 12): number[][] =>
    flat(of, rounds).map((times, i) => times.map((time) => time * (1 + ((i * 7) % 5) / 100)));

  test('have rounds of their own: order and number do not matter', () => {
    const [variant, baseline] = [noisy(5), noisy(10, 15)];
    const compared = compare('compare.latency-ratio/2', cell(variant), cell(baseline));
    expect(compared).toMatchObject({ units: 12, unitOf: 'rounds', verdict: 'better', n: 54 });
    expect(compared.test).toContain('between the runs');
    // Prompts go with the iterations: only whole rounds may change places here.
    const turned = compare('compare.latency-ratio/2', cell(variant.toReversed()), cell(baseline));
    expect(turned.value).toBeCloseTo(compared.value!, 12);
    expect(turned.ci95![0]).toBeCloseTo(compared.ci95![0], 12);
    const old = compare('compare.latency-ratio/1', cell(variant), cell(baseline));
    expect(old.ci95![1] - old.ci95![0]).toBeLessThan(compared.ci95![1] - compared.ci95![0]);
  });

  test('need ten rounds each; interleaved ones are compared as before', () => {
    const few = compare('compare.latency-ratio/2', cell(noisy(5, 9)), cell(noisy(10, 15)));
    expect(few).toMatchObject({ units: 9, ci95: null, p: null });
    const manifests = { variant: manifest(), baseline: manifest() };
    const runs = { variant: cell(noisy(5)), baseline: cell(noisy(10)), manifests };
    const by = (version: number): Comparison =>
      compareRuns(`compare.latency-ratio/${version}`, runs, PARAMS);
    expect(by(2)).toEqual(by(1));
  });
});

test('what two processes of one program may differ by is said beside the verdict', () => {
  const slower = flat(10).map(([a, b], round) => [a! * (round % 2 ? 1.012 : 1.035), b! * 1.02]);
  const close = ratio(cell(slower), cell(flat(10)));
  expect(close.verdict).toBe('worse');
  expect(close.note).toContain('two processes of one program');
  const far = flat(12).map(([a, b], round) => [a! * (round % 2 ? 1 : 1.01), b!]);
  expect(ratio(cell(far), cell(flat(10))).note).toBeUndefined();
});

describe('refused', () => {
  const [fast, base] = [cell(flat(5)), cell(flat(10))];
  const refusal = (own: Changes): string | undefined => {
    const compared = ratio(fast, base, { own });
    expect(compared).toMatchObject({ verdict: 'refused', value: null, ci95: null });
    return compared.reason;
  };

  test('simulated schemes, other engines, other settings; other paths are no reason', () => {
    const engine = ENGINE as unknown as NonNullable<Manifest['engine']>;
    const simulated = { ...engine, scheme: 'bf16', simulated: 'f32 arithmetic' };
    expect(refusal({ engine: simulated })).toContain('bf16 is simulated here (f32 arithmetic)');
    expect(refusal({ engine: { ...engine, threads: 4 } })).toContain('4 threads');
    expect(refusal({ engine: null })).toBe('a run has no engine');
    const measure = { kind: 'bench', batch_size: 1, promptsPath: '/b' };
    expect(refusal({ config: { measure: { ...measure, new_tokens: 9 } } })).toBe(
      'measured with other settings: new_tokens',
    );
    const moved = { config: { measure: { ...measure, new_tokens: 8 } } };
    expect(ratio(fast, base, { own: moved }).verdict).toBe('better');
  });

  test('other models, other prompt files, and cells in which nothing was measured', () => {
    const model = (sha256: string) =>
      ({ files: [{ path: 'w', bytes: 1, sha256 }], configSha256: sha256 }) as never;
    const both = (own: object, of: object): string | undefined =>
      ratio(fast, base, { own: own as Changes, base: of as Changes }).reason;
    expect(both({ model: model('a') }, { model: model('b') })).toBe('different models');
    expect(both({ model: model('a') }, { model: model('a') })).not.toBe('different models');
    const data = (dataSha256: string) => ({ config: { dataSha256, measure: {} } });
    expect(both(data('a'), data('b'))).toContain('different prompts');
    const failed = { kind: 'failure', round: 0, iteration: 0, message: 'out of memory' } as const;
    expect(ratio(groupSamples([failed, failed]), base).reason).toBe(
      'all 2 iterations of the cell failed',
    );
    expect(ratio(fast, groupSamples([])).reason).toBe('the baseline measured nothing');
  });

  test('other machines, unknown ones, other prompts, no common round', () => {
    const formula = 'compare.latency-ratio/1';
    const manifests = { variant: manifest({}, 'there'), baseline: manifest() };
    const pair = { variant: fast, baseline: base };
    expect(compareRuns(formula, { ...pair, manifests }, PARAMS).reason).toContain('other machines');
    expect(compareRuns(formula, pair, PARAMS).reason).toContain('not known');
    const rows = base.iterations.map((row) => ({ ...row, promptTokens: 17 }));
    expect(ratio(fast, groupSamples(rows)).reason).toBe('the two cells were fed different prompts');
    const later = base.iterations.map((row) => ({ ...row, round: row.round + 100 }));
    expect(ratio(fast, groupSamples(later)).reason).toContain('no measured round in common');
  });
});

function normal(random: RandomU32): number {
  const uniform = (): number => (random() + 0.5) / 2 ** 32;
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

interface Simulated {
  readonly random: RandomU32;
  readonly rounds: number;
  /** The order of the two within a round: drawn anew, or always the same. */
  readonly shuffled: boolean;
}

/**
 * One A/A experiment on a machine that warms up (3 % over the experiment) and has moods that last
 * (autocorrelation 0.95 from one iteration to the next, 5 %): two cells that do the same work.
 */
function sameTwice({ random, rounds, shuffled }: Simulated): { a: number[][]; b: number[][] } {
  const cells: { a: number[][]; b: number[][] } = { a: [], b: [] };
  const each = 4;
  let mood = 0.05 * normal(random);
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    const swapped = shuffled && below(random, 2) === 1;
    for (const name of swapped ? (['b', 'a'] as const) : (['a', 'b'] as const)) {
      const times = Array.from({ length: each }, () => {
        mood = 0.95 * mood + 0.05 * Math.sqrt(1 - 0.95 ** 2) * normal(random);
        const drift = 1 + (0.03 * done++) / (2 * each * rounds);
        return 100 * drift * Math.exp(mood + 0.02 * normal(random));
      });
      cells[name].push(times);
    }
  }
  return cells;
}

function differing(experiments: number, how: Omit<Simulated, 'random'>, margin: number): number {
  const random = sfc32(20261120);
  const manifests = { variant: manifest(), baseline: manifest() };
  let different = 0;
  for (let i = 0; i < experiments; i++) {
    const { a, b } = sameTwice({ random, ...how });
    const pair = { variant: cell(a), baseline: cell(b), manifests };
    const { verdict } = compareRuns('compare.latency-ratio/1', pair, { ...PARAMS, margin });
    if (verdict === 'better' || verdict === 'worse') different++;
  }
  return different / experiments;
}

test('the same thing twice is called different about as often as 95 % allows', () => {
  const experiments = 2_000;
  const [ten, twenty] = [10, 20].map((rounds) => {
    return differing(experiments, { rounds, shuffled: true }, 1e-9);
  }) as [number, number];
  const fixed = differing(experiments, { rounds: 10, shuffled: false }, 1e-9);
  const margin = differing(experiments, { rounds: 10, shuffled: true }, 0.05);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  console.log(
    `A/A, ${experiments} simulated experiments called different: ${percent(ten)} with 10 rounds, ` +
      `${percent(twenty)} with 20, ${percent(fixed)} with 10 in a fixed order, ` +
      `${percent(margin)} with 10 and a margin of 5 %`,
  );
  // 5 % of 2,000 have a standard error of half a point.
  for (const share of [ten, twenty]) {
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.08);
  }
  expect(margin).toBeLessThan(ten);
});
