/** Time stamps of log lines. Arithmetic is on wall-clock fields: zones are often absent. */

export interface Stamp {
  /** null where the format has none (`12-18 03:13:09`). */
  readonly year: number | null;
  readonly month: number;
  readonly day: number;
  /** Milliseconds of the day. */
  readonly dayMs: number;
  /** Minutes east of UTC; null where the line does not say. */
  readonly offsetMin: number | null;
}

/** A stamp further right than this is what a line talks about, not when it was written. */
const REACH = 96;

const CLOCK = String.raw`(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?`;
const ISO = new RegExp(
  String.raw`(?<![\d.])(\d{4})([-/])(\d\d)\2(\d\d)[T _]${CLOCK}\s?(Z\b|[+-]\d\d:?\d\d(?!\d))?`,
);
const LEVEL = new RegExp(
  String.raw`(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) (\d\d)-(\d\d) ${CLOCK}(?!\d)`,
);
const GLOG = new RegExp(String.raw`\b[IWEF](\d\d)(\d\d) ${CLOCK}(?!\d)`);
const MONTHS = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const UNIX = new RegExp(
  String.raw`\b(${MONTHS})\s+(\d{1,2}) ${CLOCK}(?: (UTC|GMT|[A-Z]{3,4}))?(?: (\d{4}))?(?![\d:])`,
);
const APACHE = new RegExp(String.raw`\b(\d\d)\/(${MONTHS})\/(\d{4}):${CLOCK} ([+-]\d{4})`);

/** The first stamp near the start of a line, or null. */
export function findStamp(text: string): Stamp | null {
  const head = text.length > REACH ? text.slice(0, REACH) : text;
  const iso = ISO.exec(head);
  if (iso) {
    const [, year, , month, day, h, m, s, fraction, zone] = iso;
    return stamp({ year, month, day, h, m, s, fraction, zone });
  }
  const short = LEVEL.exec(head) ?? GLOG.exec(head);
  if (short) {
    const [, month, day, h, m, s, fraction] = short;
    return stamp({ month, day, h, m, s, fraction });
  }
  const apache = APACHE.exec(head);
  if (apache) {
    const [, day, name, year, h, m, s, fraction, zone] = apache;
    return stamp({ year, month: monthOf(name), day, h, m, s, fraction, zone });
  }
  const unix = UNIX.exec(head);
  if (!unix) return null;
  const [, name, day, h, m, s, fraction, zone, year] = unix;
  const utc = zone === 'UTC' || zone === 'GMT' ? 'Z' : undefined;
  return stamp({ year, month: monthOf(name), day, h, m, s, fraction, zone: utc });
}

function monthOf(name: string | undefined): string {
  return String(MONTHS.split('|').indexOf(name ?? '') + 1);
}

type Fields = Partial<Record<'year' | 'month' | 'day' | 'h' | 'm' | 's', string>> & {
  fraction: string | undefined;
  zone?: string | undefined;
};

function stamp(fields: Omit<Fields, 'year'> & { year?: string | undefined }): Stamp | null {
  const n = (text: string | undefined): number => Number(text ?? 0);
  const month = n(fields.month);
  const day = n(fields.day);
  const [h, m, s] = [n(fields.h), n(fields.m), n(fields.s)];
  // A leap second is written :60.
  if (month < 1 || month > 12 || day < 1 || day > 31 || h > 24 || m > 59 || s > 60) return null;
  const year = fields.year === undefined ? null : n(fields.year);
  // 29 February is a day of some year.
  if (new Date(Date.UTC(year ?? 2024, month - 1, day)).getUTCMonth() !== month - 1) return null;
  const fraction = Number(`0.${fields.fraction ?? '0'}`);
  const dayMs = ((h * 60 + m) * 60 + s) * 1000 + Math.round(fraction * 1000);
  return { year, month, day, dayMs, offsetMin: offsetOf(fields.zone) };
}

function offsetOf(zone: string | undefined): number | null {
  if (zone === undefined) return null;
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone.startsWith('-') ? -minutes : minutes;
}

/** The wall clock as if it were UTC: differences hold as long as the zone does not change. */
export function wallMs(stamp: Stamp, year: number): number {
  return Date.UTC(year, stamp.month - 1, stamp.day) + stamp.dayMs;
}

/** True instants where both name their zone; wall clock otherwise. */
export function elapsedMs(from: Dated, to: Dated): number {
  const [a, b] = [from.stamp.offsetMin, to.stamp.offsetMin];
  const shift = a !== null && b !== null ? (b - a) * 60_000 : 0;
  return wallMs(to.stamp, to.year) - wallMs(from.stamp, from.year) - shift;
}

export interface Dated {
  readonly stamp: Stamp;
  readonly year: number;
}

/** `2025-12-09T17:58:35` with milliseconds and zone where there are any. */
export function isoText({ stamp, year }: Dated): string {
  const iso = new Date(wallMs(stamp, year)).toISOString().replace(/\.000Z$|Z$/, '');
  if (stamp.offsetMin === null) return iso;
  if (stamp.offsetMin === 0) return `${iso}Z`;
  const minutes = Math.abs(stamp.offsetMin);
  const two = (n: number): string => String(n).padStart(2, '0');
  const sign = stamp.offsetMin < 0 ? '-' : '+';
  return `${iso}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** Seconds since the first stamp it saw; stamps without a year may pass the turn of one. */
export class RunningClock {
  #hasYears: boolean | null = null;
  /** Any leap year will do to begin with: only differences come out. */
  #year = 2024;
  #month = 0;
  #firstMs: number | null = null;

  /** null for a stamp of the other kind, with a year or without: the two cannot be compared. */
  secondsAt(stamp: Stamp): number | null {
    this.#hasYears ??= stamp.year !== null;
    if (this.#hasYears !== (stamp.year !== null)) return null;
    if (stamp.month === 1 && this.#month === 12) this.#year += 1;
    this.#month = stamp.month;
    const ms = wallMs(stamp, stamp.year ?? this.#year);
    this.#firstMs ??= ms;
    return (ms - this.#firstMs) / 1000;
  }
}

/**
 * Whether clocks were set back or forward between two days in Europe or North America (local
 * nights of the last Sunday of March and October; second Sunday of March, first of November).
 * A log without zones may then be off by an hour.
 */
export function crossesClockChange(fromMs: number, toMs: number): boolean {
  const first = new Date(fromMs).getUTCFullYear();
  const last = new Date(toMs).getUTCFullYear();
  for (let year = first; year <= last; year += 1) {
    const nights = [
      sunday(year, 2, -1),
      sunday(year, 9, -1),
      sunday(year, 2, 2),
      sunday(year, 10, 1),
    ];
    if (nights.some((night) => fromMs < night + 3 * 3_600_000 && toMs > night + 3_600_000)) {
      return true;
    }
  }
  return false;
}

/** Midnight before the n-th Sunday of a month (from 0), −1: the last. */
function sunday(year: number, month: number, nth: number): number {
  if (nth > 0) {
    const weekday = new Date(Date.UTC(year, month, 1)).getUTCDay();
    return Date.UTC(year, month, 1 + ((7 - weekday) % 7) + (nth - 1) * 7);
  }
  const end = new Date(Date.UTC(year, month + 1, 0));
  return Date.UTC(year, month, end.getUTCDate() - end.getUTCDay());
}
