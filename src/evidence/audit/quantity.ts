/** The numbers of a text with their units, as statements: not every digit is one. */
import { type Interval, loosened, roundingInterval, scale } from './interval.ts';
import { UNIT_BEHIND, type Unit, unitOf } from './unit.ts';

export interface Quantity {
  /** The numeral as it stands. */
  readonly text: string;
  /** Offset of the numeral in the text that was scanned. */
  readonly at: number;
  /** As written, without the unit's factor. */
  readonly value: number;
  /** What it may stand for, as written. */
  readonly interval: Interval;
  readonly unit: Unit | null;
  /** `~`, `≈`, `about`, `over`. */
  readonly approximate: boolean;
  /** `±` stands before it. */
  readonly spread: boolean;
  /** `→` stands before it. */
  readonly afterArrow: boolean;
  /** `vs`, `against`, `compared to`, `from` stands before it. */
  readonly versus: boolean;
  /** Offset behind numeral and unit. */
  readonly end: number;
}

const NUMERAL = new RegExp(
  String.raw`(?<![\p{L}\p{N}_.,/:#@\\])(?<!\d[-–])[+\-−]?` +
    String.raw`(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?`,
  'gu',
);
/** Dates, times, versions, ranges, fractions, hex: digits, but not a quantity. */
const NOT_BEHIND = /^(?:[./:]\d|\.\d|[-–]\d|[\p{L}_]|\+\p{L})/u;
const NOT_QUANTITIES = [
  /\b[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/[^\s<>"|`]+/g,
  /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?/g,
  /\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?\b/g,
];

export function quantitiesIn(text: string, fallback: Unit | null = null): Quantity[] {
  if (!/\d/.test(text)) return [];
  let plain = text;
  for (const rule of NOT_QUANTITIES) plain = plain.replace(rule, (m) => ' '.repeat(m.length));
  const found: Quantity[] = [];
  for (const match of plain.matchAll(NUMERAL)) {
    const quantity = quantityAt(plain, match.index, match[0], fallback);
    if (quantity) found.push(quantity);
  }
  return found.map((quantity, i) => {
    if (quantity.unit && quantity.unit !== fallback) return quantity;
    // `5.58 tokens/sec (vs 10.75 baseline)`, `69.44 → 41.01 ms`: one unit for both.
    const pair = quantity.versus ? found[i - 1] : found[i + 1]?.afterArrow ? found[i + 1] : null;
    return pair?.unit ? { ...quantity, unit: pair.unit } : quantity;
  });
}

function quantityAt(
  plain: string,
  at: number,
  numeral: string,
  fallback: Unit | null,
): Quantity | null {
  const behind = at + numeral.length;
  UNIT_BEHIND.lastIndex = behind;
  const behindIt = UNIT_BEHIND.exec(plain)?.[0] ?? '';
  const unit = unitOf(behindIt);
  const written = unit ? behindIt : '';
  const end = behind + written.length;
  const after = plain.slice(end, end + 4);
  // With a unit only a word that goes on behind it says that it was none.
  if (written === '' ? NOT_BEHIND.test(after) : /^[\p{L}_]/u.test(after)) return null;
  const value = Number(numeral.replaceAll(',', '').replace('−', '-'));
  if (!Number.isFinite(value)) return null;
  const before = plain.slice(Math.max(0, at - 24), at);
  const approximate = /(?:[~≈<>]|\b(?:about|around|roughly|over|approx\.?))\s*$/i.test(before);
  const interval = roundingInterval(numeral);
  return {
    text: numeral,
    at,
    value,
    interval: approximate ? loosened(interval) : interval,
    unit: unit ?? fallback,
    approximate,
    spread: /(?:±|\+\/-|\+-)\s*$/.test(before),
    afterArrow: /(?:→|->|=>)\s*$/.test(before),
    versus: /\b(?:vs\.?|versus|against|compared (?:to|with)|from)\s+$/i.test(before),
    end,
  };
}

/** In seconds, bytes, 1/s, shares, pieces. */
export function inBase(quantity: Quantity): Interval {
  return scale(quantity.interval, quantity.unit?.factor ?? 1);
}

/** What is printed, in the same units: for the arithmetic that a reader is shown. */
export function pointOf(quantity: Quantity): number {
  return quantity.value * (quantity.unit?.factor ?? 1);
}

/** A count stands for itself, not for an interval around it. */
export function asCount(quantity: Quantity): Interval {
  const whole = /^[\d,]+$/.test(quantity.text) && !quantity.approximate;
  if (!whole || (quantity.unit?.dimension === 'count' && quantity.unit.factor !== 1)) {
    return inBase(quantity);
  }
  return { low: quantity.value, high: quantity.value };
}
