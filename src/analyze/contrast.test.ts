import { describe, expect, test } from 'vitest';
import type { Manifest } from '../record/schema.ts';
import type { Comparison } from './comparison.ts';
import { type Arm, cannotState, contrast, factorsOf, schemeConfounders } from './contrast.ts';

const effect = (value: number, half: number, unit: 'ratio' | 'fraction' = 'ratio'): Comparison => {
  const ci95: [number, number] =
    unit === 'ratio' ? [value / (1 + half), value * (1 + half)] : [value - half, value + half];
  const counted = { n: 40, units: 20, unitOf: 'rounds', p: 0.001, test: 't', pHolm: null };
  return { value, ci95, unit, ...counted, verdict: 'better' };
};

const small = { scheme: 'int8', parameters: 124e6, engine: 'embedded', machine: 'a' };
const large = { ...small, parameters: 1e9 };

const arm = (factors: Arm['factors'], value: number, half = 0.05): Arm => {
  return { factors, effect: effect(value, half) };
};

describe('a contrast', () => {
  test('of one factor: the ratio of the two effects, wider than either', () => {
    const found = contrast(arm(small, 1.9), arm(large, 0.6), 'parameters');
    expect(found).toMatchObject({ status: 'tested', verdict: 'differs' });
    if (found.status !== 'tested') throw new Error('not tested');
    expect(found.value).toBeCloseTo(0.6 / 1.9, 12);
    const half = Math.SQRT2 * Math.log(1.05);
    expect(Math.log(found.ci95[1] / found.value)).toBeCloseTo(half, 9);
    expect(found.p).toBeLessThan(1e-6);
  });

  test('p is 0.05 where an end of the interval is no difference', () => {
    const half = Math.exp(Math.log(1.1) / Math.SQRT2) - 1;
    const found = contrast(arm(small, 1, half), arm(large, 1.1, half), 'parameters');
    if (found.status !== 'tested') throw new Error('not tested');
    expect(found.ci95[0]).toBeCloseTo(1, 9);
    expect(found.p).toBeCloseTo(0.05, 9);
  });

  test('the effect that is the same in both is none', () => {
    const found = contrast(arm(small, 0.8), arm(large, 0.8), 'parameters');
    expect(found).toMatchObject({ value: 1, p: 1, verdict: 'inconclusive' });
  });

  test('of differences is a difference', () => {
    const found = contrast(
      { factors: small, effect: effect(-0.02, 0.01, 'fraction') },
      { factors: large, effect: effect(-0.01, 0.01, 'fraction') },
      'parameters',
    );
    expect(found).toMatchObject({ status: 'tested', verdict: 'inconclusive' });
    if (found.status === 'tested') expect(found.value).toBeCloseTo(0.01, 12);
  });

  test('is none where something else varies: two teams, two machines, two schemes', () => {
    const theirs = { ...large, scheme: 'int4', engine: 'llama.cpp', machine: 'b' };
    const found = contrast(arm(small, 1.9), arm(theirs, 0.22), 'parameters');
    expect(cannotState(found)).toBe('confounded by scheme, engine, machine');
    expect(cannotState(contrast(arm(small, 1.9), arm(large, 0.6), 'parameters'))).toBeNull();
  });

  test('needs another value of the factor, one unit, and two intervals', () => {
    const reason = (a: Arm, b: Arm): string | null => cannotState(contrast(a, b, 'parameters'));
    expect(reason(arm(small, 1), arm(small, 2))).toBe('parameters is the same in both');
    const none: Arm = { factors: large, effect: { ...effect(1, 0.1), ci95: null } };
    expect(reason(arm(small, 1), none)).toBe('an effect has no interval');
    const fraction: Arm = { factors: large, effect: effect(0, 0.1, 'fraction') };
    expect(reason(arm(small, 1), fraction)).toBe('one effect is a ratio, one a difference');
  });
});

function manifest(scheme: string, hostname = 'here', architecture = 'A'): Manifest {
  return {
    variant: { model: 'm', scheme },
    model: { parameters: 1e9, architecture, storedDtype: 'BF16' },
    engine: { name: 'e', version: '1', device: 'cpu', threads: 2, activations: 'f32' },
    environment: { hostname, cpu: { model: 'a CPU' }, gpus: [] },
    config: { measure: { kind: 'bench', new_tokens: 8, promptsPath: '/a' } },
    seeds: { bootstrap: 1 },
  } as unknown as Manifest;
}

test('runs have the same factors wherever their files lie', () => {
  const moved = manifest('f32');
  const config = { measure: { kind: 'bench', new_tokens: 8, promptsPath: '/b' } };
  expect(factorsOf({ ...moved, config })).toEqual(factorsOf(manifest('f32')));
});

test('memory against speed is stated where only the scheme varies', () => {
  const baseline = manifest('f32');
  expect(schemeConfounders({ variant: manifest('int8'), baseline })).toBeNull();
  const other = manifest('int4', 'there', 'B');
  expect(schemeConfounders({ variant: other, baseline })).toBe(
    'confounded by architecture, machine',
  );
});
