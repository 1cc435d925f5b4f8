/** Numbers in documents: how a value becomes a numeral, and where the numerals of a text are. */

/**
 * How a value is written. `digits`: decimals, or significant digits for `significant` and
 * `scientific`.
 */
export type NumberFormat =
  | { readonly style: 'fixed'; readonly digits: number }
  | { readonly style: 'significant'; readonly digits: number }
  | { readonly style: 'scientific'; readonly digits: number }
  /** 0.953 → `95.3`. */
  | { readonly style: 'percent'; readonly digits: number }
  /** Bytes in 2³⁰, 2²⁰, 10⁹, 10⁶. */
  | { readonly style: 'bytes-gib' | 'bytes-mib' | 'bytes-gb' | 'bytes-mb'; readonly digits: number }
  /** Rounded, thousands in groups: `1,234,567`. */
  | { readonly style: 'integer' }
  /** As JSON writes it: all digits, for machine-read files. */
  | { readonly style: 'plain' };

const DIVISORS = { 'bytes-gib': 2 ** 30, 'bytes-mib': 2 ** 20, 'bytes-gb': 1e9, 'bytes-mb': 1e6 };
/** From here on toFixed writes exponents. */
const FIXED_LIMIT = 1e21;

/**
 * The numeral alone: unit and `%` are the document's text. Always exactly one numeral in the sense
 * of `findNumerals`. Rounds the double's exact value, ties away from zero; never writes −0. Throws
 * RangeError for NaN and ±Infinity (a metric without a value has a reason instead).
 */
export function renderNumber(value: number, format: NumberFormat): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} cannot be rendered as a number`);
  const text = render(value, format);
  return /^-[0.,]*(e[+-]?\d+)?$/.test(text) ? text.slice(1) : text;
}

function render(value: number, format: NumberFormat): string {
  switch (format.style) {
    case 'fixed':
      return fixed(value, format.digits);
    case 'percent':
      return fixed(value * 100, format.digits);
    case 'significant':
      return significant(value, format.digits);
    case 'scientific':
      return value.toExponential(format.digits - 1).replace('e+', 'e');
    case 'integer':
      return fixed(value, 0).replace(/\d(?=(\d{3})+$)/g, '$&,');
    case 'plain':
      return String(value).replace('e+', 'e');
    default:
      return fixed(value / DIVISORS[format.style], format.digits);
  }
}

function fixed(value: number, digits: number): string {
  if (Math.abs(value) >= FIXED_LIMIT) return value.toExponential().replace('e+', 'e');
  return value.toFixed(digits);
}

/** Plain digits where they fit (1230, 0.00123), else an exponent. Trailing zeros are kept. */
function significant(value: number, digits: number): string {
  const text = value.toPrecision(digits);
  if (!text.includes('e')) return text;
  const rounded = Number(text);
  if (Math.abs(rounded) >= 1 && Math.abs(rounded) < 1e15) return rounded.toFixed(0);
  return text.replace('e+', 'e');
}
