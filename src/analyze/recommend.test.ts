import { describe, expect, test } from 'vitest';
import { type Choice, type Option, recommend } from './recommend.ts';

const MIB = 2 ** 20;
const option = (scheme: string, batchSize: number, changes: Partial<Option> = {}): Option => ({
  id: `${scheme}@${batchSize}`,
  scheme,
  batchSize,
  p95Ms: 10 * batchSize,
  samplesPerSecond: 20 + batchSize,
  memoryBytes: 100 * MIB,
  speed: scheme === 'f32' ? 'baseline' : 'equivalent',
  limits: 'met',
  ...changes,
});
const choice: Choice = { latencyLimited: true, shownSlower: () => true };
const chosen = (options: readonly Option[], how: Partial<Choice> = {}) => {
  const found = recommend(options, { ...choice, ...how });
  return found && { id: found.option.id, why: found.why, by: found.by };
};

test('nothing is recommended where there is nothing', () => {
  expect(recommend([], choice)).toBeNull();
});

test('what is shown faster wins, at the batch size of most throughput inside the limits', () => {
  const faster = { speed: 'better', samplesPerSecond: 90 } as const;
  const options = [option('f32', 1), option('f32', 4), option('int8', 4, faster)];
  expect(chosen(options)).toEqual({ id: 'int8@4', why: 'faster', by: 'throughput' });
});

describe('nothing significantly better', () => {
  test('the one that takes the least memory among those as fast', () => {
    const small = { memoryBytes: 30 * MIB };
    const options = [option('f32', 4), option('int8', 4, small)];
    expect(chosen(options)).toEqual({ id: 'int8@4', why: 'equivalent', by: 'throughput' });
  });

  test('a speed that is open or worse is not as fast, however little it takes', () => {
    const tiny = { memoryBytes: MIB };
    const options = [
      option('f32', 4),
      option('int8', 4, { ...tiny, speed: 'inconclusive' }),
      option('int4', 4, { ...tiny, speed: 'worse' }),
    ];
    expect(chosen(options)).toMatchObject({ id: 'f32@4', why: 'baseline' });
  });

  test('without the baseline only what is left, and so it is called', () => {
    const options = [option('int4', 4, { speed: 'inconclusive' })];
    expect(chosen(options)).toEqual({ id: 'int4@4', why: 'remaining', by: 'only' });
  });
});

test('of several shown faster, those not shown slower than the fastest are told apart by memory', () => {
  const options = [
    option('f32', 4),
    option('int8', 4, { speed: 'better', samplesPerSecond: 80, memoryBytes: 60 * MIB }),
    option('int4', 4, { speed: 'better', samplesPerSecond: 78, memoryBytes: 40 * MIB }),
  ];
  expect(chosen(options)).toMatchObject({ id: 'int8@4' });
  expect(chosen(options, { shownSlower: () => false })).toMatchObject({ id: 'int4@4' });
});

test('without a limit on latency the balance of the field decides the batch size', () => {
  const options = [
    option('f32', 1, { p95Ms: 10, samplesPerSecond: 90 }),
    option('f32', 8, { p95Ms: 200, samplesPerSecond: 100 }),
    option('f32', 2, { p95Ms: 12, samplesPerSecond: 99 }),
  ];
  expect(chosen(options, { latencyLimited: false })).toMatchObject({ id: 'f32@2', by: 'balance' });
  expect(chosen(options)).toMatchObject({ id: 'f32@8', by: 'throughput' });
});

test('what is shown to meet the limits goes before what only seems to', () => {
  const options = [option('f32', 1), option('f32', 8, { limits: 'unproven' })];
  expect(chosen(options)).toMatchObject({ id: 'f32@1' });
  expect(chosen(options.slice(1))).toMatchObject({ id: 'f32@8' });
});
