import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationIn } from './duration.ts';
import { meets, roundingInterval } from './interval.ts';
import { asCount, inBase, quantitiesIn } from './quantity.ts';
import { roleOf, statisticOf } from './role.ts';
import { unitOfLabel } from './unit.ts';

const read = (text: string) =>
  quantitiesIn(text).map((q) =>
    `${q.text} ${q.unit?.dimension ?? '-'} ${q.unit?.text ?? ''}`.trim(),
  );

describe('rounding intervals', () => {
  it.each([
    ['1.2004', 1.20035, 1.20045],
    ['8', 7.5, 8.5],
    ['1,234.5', 1234.45, 1234.55],
    ['−0.5', -0.55, -0.45],
    ['1.5e3', 1450, 1550],
  ])('%s', (text, low, high) => {
    expect(roundingInterval(text).low).toBeCloseTo(low, 9);
    expect(roundingInterval(text).high).toBeCloseTo(high, 9);
  });

  it('a value is always inside the interval of what is printed of it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.integer({ min: 0, max: 6 }),
        (x, d) => {
          expect(meets(roundingInterval(x.toFixed(d)), { low: x, high: x })).toBe(true);
        },
      ),
    );
  });
});

describe('quantities', () => {
  it.each([
    ['28.42 tokens/sec (±0.055s)', ['28.42 rate tokens/sec', '0.055 time s']],
    ['5.58 tokens/sec (vs 10.75 baseline)', ['5.58 rate tokens/sec', '10.75 rate tokens/sec']],
    ['69.44ms → 41.01ms', ['69.44 time ms', '41.01 time ms']],
    ['4.55× (significant)', ['4.55 ratio ×']],
    ['~50% reduction', ['50 percent %']],
    ['124.4M parameters', ['124.4 count M parameters']],
    ['15.83 GB VRAM', ['15.83 bytes GB']],
    ['2,048 tokens', ['2,048 count tokens']],
    ['30m', []],
    ['Llama-3.1-8B, INT8, v0.15.1, FP16', []],
    ['2025-10-10 at 01:08:31', []],
    ['1-4 and 10-50', []],
    ['https://example.org/3.5', []],
  ])('%s', (text, expected) => expect(read(text)).toEqual(expected));

  it('a spread, an arrow and a versus are told apart', () => {
    const [a, b] = quantitiesIn('45.2 ms ± 1.3 ms');
    expect([a?.spread, b?.spread]).toEqual([false, true]);
    expect(quantitiesIn('4 GB → 2 GB')[1]?.afterArrow).toBe(true);
    expect(quantitiesIn('3 s vs 5 s')[1]?.versus).toBe(true);
  });

  it('units have factors; a count is exact', () => {
    expect(inBase(quantitiesIn('2 GiB')[0]!).low).toBe(1.5 * 2 ** 30);
    expect(asCount(quantitiesIn('1000 samples')[0]!)).toEqual({ low: 1000, high: 1000 });
    expect(inBase(quantitiesIn('3.1M tokens')[0]!).high).toBeCloseTo(3.15e6, 3);
  });

  it('no text makes it throw, and every place is where the numeral stands', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        for (const q of quantitiesIn(text))
          expect(text.slice(q.at, q.at + q.text.length)).toBe(q.text);
      }),
    );
  });
});

describe('labels', () => {
  it.each([
    ['inference_speed_tokens_per_sec', 'throughput', 'tokens/s'],
    ['Peak VRAM', 'memory', undefined],
    ['Memory (GB)', 'memory', 'GB'],
    ['memory_reduction_percent', 'reduction', '%'],
    ['P95 Latency (ms)', 'latency', 'ms'],
    ['avg_loss', 'loss', undefined],
    ['accuracy_degradation', 'degradation', undefined],
    ['SLURM Job ID', 'jobId', undefined],
    ['parameters_millions', 'parameters', 'M'],
    ['mean_time_seconds', 'latency', 's'],
  ])('%s', (label, role, unit) => {
    expect(roleOf(label)).toBe(role);
    expect(unitOfLabel(label)?.text).toBe(unit);
  });

  it.each([
    ['p99_latency_ms', 99],
    ['median_ttft_ms', 50],
    ['avg_latency_ms', 'mean'],
    ['total_time', null],
  ])('%s is a %s', (label, statistic) => expect(statisticOf(label)).toBe(statistic));
});

describe('durations', () => {
  it.each([
    ['322 s', 322],
    ['~8 hours', 28_800],
    ['1h 30m', 5400],
    ['5 min 22 s', 322],
    ['00:05:22', 322],
    ['1-02:00:00', 93_600],
  ])('%s', (text, seconds) => {
    const interval = durationIn(text);
    expect(interval && meets(interval, { low: seconds, high: seconds })).toBe(true);
  });
  it.each(['-', 'soon', '12001782', 'FP8'])('%s is none', (text) =>
    expect(durationIn(text)).toBe(null),
  );
});
