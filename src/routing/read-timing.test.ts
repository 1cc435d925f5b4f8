import { describe, expect, it } from 'vitest';
import { judgeTiming, type Timing } from '../analyze/routing/timing.ts';
import { timingIn } from './read-timing.ts';

const codes = (text: string): string[] => {
  return judgeTiming(timingIn(text) as Timing).findings.map(({ code }) => code);
};

describe('timing files', () => {
  it('with rates: both overheads, unequal tokens, rounding', () => {
    const text = `{"no_log": {"wall_time_sec": 2.50, "tokens_generated": 1000, "tokens_per_sec": 400.0},
      "log": {"wall_time_sec": 2.50, "tokens_generated": 990, "tokens_per_sec": 396.0}}`;
    const judged = judgeTiming(timingIn(text) as Timing);
    expect(judged.overheads.map(({ by, share }) => [by, share])).toEqual([
      ['tokensPerSecond', expect.closeTo(0.01, 12)],
      ['wallTime', 0],
    ]);
    expect(judged.overheads[1]?.rounding[1]).toBeCloseTo(0.004, 4);
    expect(codes(text)).toEqual(['not-deterministic', 'rounding', 'one-run']);
  });

  it('`baseline` and no rate: it is computed, and says so', () => {
    const text = `{"baseline": {"wall_time_sec": 10.0, "tokens_generated": 1000},
      "log": {"wall_time_sec": 11.0, "tokens_generated": 1000}}`;
    const [rate] = judgeTiming(timingIn(text) as Timing).overheads;
    expect(rate).toMatchObject({ computed: true });
    expect(rate?.share).toBeCloseTo(1 / 11, 12);
    expect(codes(text)).toEqual(['one-run']);
  });

  it('a logged run that is faster: the warm-up was not controlled', () => {
    const text = `{"no_log": {"wall_time_sec": 3.21, "tokens_generated": 10},
      "log": {"wall_time_sec": 2.87, "tokens_generated": 10}}`;
    expect(codes(text)).toContain('warm-up');
  });

  it('a rate that its own tokens and time refute', () => {
    const text = `{"no_log": {"wall_time_sec": 2.0, "tokens_generated": 100, "tokens_per_sec": 50.0},
      "log": {"wall_time_sec": 2.0, "tokens_generated": 100, "tokens_per_sec": 70.0}}`;
    expect(codes(text)).toContain('rate');
  });

  it('are no other JSON', () => {
    expect(timingIn('{"a": 1}')).toBeNull();
    expect(timingIn('{"no_log": {"x": 1}, "log": {"y": 1}}')).toBeNull();
    expect(timingIn('{"type":"meta"}\n{"type":"route"}')).toBeNull();
  });
});
