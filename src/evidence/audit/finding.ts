/** What a check has to say, and what it found to hold. */
import type { Place } from '../discrepancy.ts';
import { withDecimalCommas } from './decimal-comma.ts';
import { type Interval, middleOf } from './interval.ts';
import type { Quantity } from './quantity.ts';
import type { AuditDocument, TextPlace } from './record.ts';

/**
 * `refuted`: it cannot be true. `suspicious`: it can, but what it is used for does not follow.
 * `not-evidenced`: nothing that was given decides it.
 */
export type Severity = 'refuted' | 'suspicious' | 'not-evidenced';

export interface AuditFinding {
  /** Name of the check, kebab-case. */
  readonly check: string;
  readonly severity: Severity;
  readonly place: Place;
  /** Column title or key, where there is one. */
  readonly cell?: string;
  /** As it stands in the document. */
  readonly written: string;
  /** The calculation, with the places of its other numbers. */
  readonly arithmetic: string;
  /** What that means for a reader. */
  readonly follows: string;
  /** What would have to stand there, where exactly one text can be said. */
  readonly replacement?: string;
}

export interface Verdicts {
  readonly findings: AuditFinding[];
  /** Statements that were checked and can be true. */
  held: number;
  /** Numbers that were held against each other, whatever came of it. */
  readonly decided: Set<Quantity>;
}

export interface Told {
  readonly severity: Severity;
  readonly place: TextPlace;
  readonly written: string;
  readonly arithmetic: string;
  readonly follows: string;
  readonly replacement?: string;
}

/** Gathers the verdicts of one check on one document. */
export class Judge {
  readonly verdicts: Verdicts = { findings: [], held: 0, decided: new Set() };
  private readonly check: string;
  private readonly document: AuditDocument;

  constructor(check: string, document: AuditDocument) {
    this.check = check;
    this.document = document;
  }

  held(statements = 1): void {
    this.verdicts.held += statements;
  }

  /** These numbers decide each other. */
  rests(...quantities: readonly (Quantity | undefined)[]): void {
    for (const quantity of quantities) if (quantity) this.verdicts.decided.add(quantity);
  }

  found(finding: Told): void {
    const { place, ...told } = finding;
    const { path, lines, decimalCommas } = this.document;
    const { cell, ...where } = place;
    const text = lines[place.line - 1] ?? '';
    this.verdicts.findings.push({
      check: this.check,
      ...told,
      ...(decimalCommas ? asWritten(finding) : {}),
      place: { file: path, text, ...where },
      ...(cell === undefined ? {} : { cell }),
    });
  }
}

/** In the document's own marks. */
function asWritten({ written, replacement }: Told): Pick<Told, 'written' | 'replacement'> {
  return {
    written: withDecimalCommas(written),
    ...(replacement === undefined ? {} : { replacement: withDecimalCommas(replacement) }),
  };
}

/** Four significant digits, and no exponent where plain digits fit. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const digits = Math.abs(value) >= 1000 ? Math.ceil(Math.log10(Math.abs(value))) + 1 : 4;
  return String(Number(value.toPrecision(digits)));
}

export function shownInterval({ low, high }: Interval): string {
  const middle = Math.abs(middleOf({ low, high }));
  const width = high - low;
  if (width === 0) return shown(low);
  const digits = Math.min(12, Math.max(3, Math.ceil(Math.log10(middle / width || 1)) + 2));
  const text = (x: number): string => String(Number(x.toPrecision(digits)));
  return `${text(low)} to ${text(high)}`;
}

/** As many decimals as the number that it replaces has, and more where it would not differ. */
export function inPlaceOf(written: string, value: number): string {
  const decimals = /\.(\d+)/.exec(written)?.[1]?.length ?? 0;
  const same = value.toFixed(decimals);
  const lost = Math.abs(Number(same) - value) > Math.abs(value) * 0.01;
  return lost ? String(Number(value.toPrecision(3))) : same;
}
