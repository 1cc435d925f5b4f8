/**
 * Rounding intervals: a printed 1.2004 stands for every value in [1.20035, 1.20045]. Arithmetic on
 * printed numbers is arithmetic on intervals, and a statement is refuted only when the interval
 * that is printed and the interval that follows cannot meet. Comparing printed digits instead
 * accuses honest documents: of seven right exp(loss) = perplexity pairs rounded to four decimals,
 * five differ in the last digit.
 */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Float operations on the bounds themselves are not exact. */
const FLOAT_SLACK = 1e-9;
/** From this many digits on a number is a float printed in full: it carries a float32's error. */
const FULL_DIGITS = 8;
const FLOAT32_ERROR = 1e-6;

export const exactly = (value: number): Interval => ({ low: value, high: value });

/** `numeral`: digits with optional sign, grouping commas, decimals, exponent. */
export function roundingInterval(numeral: string): Interval {
  const plain = numeral.replaceAll(',', '').replace('−', '-');
  const value = Number(plain);
  const [, digits = '', decimals = '', exponent = '0'] =
    /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(plain) ?? [];
  const half = 0.5 * 10 ** (Number(exponent) - decimals.length);
  const significant = `${digits}${decimals}`.replace(/^0+/, '').length;
  const full = significant >= FULL_DIGITS && decimals !== '' ? Math.abs(value) * FLOAT32_ERROR : 0;
  const reach = Math.max(half, full);
  return { low: value - reach, high: value + reach };
}

/** `~8` promises no digit: at least a tenth to either side. */
export function loosened({ low, high }: Interval): Interval {
  const middle = (low + high) / 2;
  const reach = Math.max(high - low, Math.abs(middle) * 0.1);
  return { low: middle - reach, high: middle + reach };
}

export function add(a: Interval, b: Interval): Interval {
  return { low: a.low + b.low, high: a.high + b.high };
}

export function subtract(a: Interval, b: Interval): Interval {
  return { low: a.low - b.high, high: a.high - b.low };
}

export function multiply(a: Interval, b: Interval): Interval {
  const products = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  return { low: Math.min(...products), high: Math.max(...products) };
}

export function scale(a: Interval, factor: number): Interval {
  return multiply(a, exactly(factor));
}

/** null when the divisor may be 0: then nothing follows. */
export function divide(a: Interval, b: Interval): Interval | null {
  if (b.low <= 0 && b.high >= 0) return null;
  return multiply(a, { low: 1 / b.high, high: 1 / b.low });
}

/** Under a function that only rises. */
export function rising(a: Interval, f: (x: number) => number): Interval {
  return { low: f(a.low), high: f(a.high) };
}

export function meets(a: Interval, b: Interval): boolean {
  const size = Math.max(Math.abs(a.low), Math.abs(a.high), Math.abs(b.low), Math.abs(b.high));
  const slack = size * FLOAT_SLACK;
  return a.low <= b.high + slack && b.low <= a.high + slack;
}

export function hull(a: Interval, b: Interval): Interval {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

export const middleOf = ({ low, high }: Interval): number => (low + high) / 2;
