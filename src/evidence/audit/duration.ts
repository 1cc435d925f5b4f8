/** Durations as people write them: `~8 hours`, `1h 30m`, `5 min 22 s`, `00:05:22`, `1-02:00:00`. */
import { type Interval, loosened } from './interval.ts';
import { inBase, quantitiesIn } from './quantity.ts';

const CLOCK = /^(~|≈)?\s*(?:(\d+)-)?(\d{1,3}):(\d\d)(?::(\d\d))?(?:\.\d+)?$/;
const PARTS = /(\d+(?:\.\d+)?)\s*(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)\b/gi;
const SECONDS: Readonly<Record<string, number>> = { d: 86400, h: 3600, m: 60, s: 1 };

/** Seconds that the text may stand for; null: it is no duration. */
export function durationIn(text: string): Interval | null {
  const plain = text.trim().replaceAll(/[*`]/g, '');
  const clock = CLOCK.exec(plain);
  if (clock) return fromClock(clock);
  const parts = [...plain.matchAll(PARTS)];
  if (parts.length > 1) {
    const total = parts.reduce((sum, [, n, unit]) => sum + Number(n) * secondsOf(unit), 0);
    const smallest = Math.min(...parts.map(([, , unit]) => secondsOf(unit)));
    const interval = { low: total - smallest / 2, high: total + smallest / 2 };
    return /^[~≈]/.test(plain) ? loosened(interval) : interval;
  }
  const [quantity] = quantitiesIn(plain);
  if (quantity?.unit?.dimension === 'time') return inBase(quantity);
  const [single] = parts;
  if (!single) return null;
  const factor = secondsOf(single[2]);
  const value = Number(single[1]) * factor;
  return { low: value - factor / 2, high: value + factor / 2 };
}

const secondsOf = (unit: string | undefined): number =>
  SECONDS[(unit ?? '')[0]?.toLowerCase() ?? ''] ?? 1;

/** Two parts are hours and minutes in a log's index, and minutes and seconds on a bar: either. */
function fromClock([, about, days, a, b, c]: RegExpExecArray): Interval {
  const [x, y] = [Number(a), Number(b)];
  const day = Number(days ?? 0) * 86400;
  const interval =
    c === undefined
      ? { low: day + x * 60 + y - 0.5, high: day + x * 3600 + y * 60 + 30 }
      : {
          low: day + x * 3600 + y * 60 + Number(c) - 0.5,
          high: day + x * 3600 + y * 60 + Number(c) + 0.5,
        };
  return about === undefined ? interval : loosened(interval);
}
