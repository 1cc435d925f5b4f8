/** A number as somebody read it: with a sign of a minus, thousands, a unit, a percent sign. */
import { UsageError } from '../record/errors.ts';
import { type NumberFormat, renderNumber } from '../record/numerals.ts';

export interface WantedNumber {
  /** Digits, a point, an exponent; `-` for every minus. */
  readonly text: string;
  /** null: none was given. */
  readonly unit: string | null;
  /** What it may have been meant as, where a comma can be a decimal one. */
  readonly otherwise: string | null;
}

const PLAIN = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;
/** Of no more than two words, so that a sentence is no number. */
const UNIT = /\s*(%|[A-Za-zµ°][A-Za-z/%°.-]*(?:\s[A-Za-z][A-Za-z/.-]*)?|×)$/u;
const GROUPED = /^-?\d{1,3}(?:([,\s\u00a0\u2009\u202f])\d{3})(?:\1\d{3})*(?!\d)/u;

/** As documents print it and as readers type it are compared in this form. */
export function plainText(printed: string): string {
  return printed.replaceAll(',', '').replaceAll('−', '-').replace(/^\+/, '');
}

/** Throws UsageError for what is no number. */
export function readWanted(wanted: string): WantedNumber {
  const bare = wanted.trim().replace(/^(?:[×x~≈]\s*)/u, '');
  const exponent = /\de[+-]?\d+$/i.test(bare);
  const unit = exponent ? undefined : UNIT.exec(bare)?.[1];
  const number = (unit === undefined ? bare : bare.replace(UNIT, ''))
    .replaceAll('−', '-')
    .replace(/^\+/, '');
  const grouped = GROUPED.test(number);
  const text = grouped ? number.replaceAll(/[,\s\u00a0\u2009\u202f]/gu, '') : number;
  if (PLAIN.test(text)) {
    const otherwise = /^-?\d+,\d+$/.test(number) ? number.replace(',', '.') : null;
    return { text, unit: unit ?? null, otherwise };
  }
  if (/^-?\d+,\d+$/.test(number)) {
    throw new UsageError(`${wanted}: a comma groups thousands`, {
      hint: `decimals stand behind a point: \`assay explain ${number.replace(',', '.')}\``,
    });
  }
  throw new UsageError(`${wanted} is neither a number nor RUN:METRIC`, {
    hint: 'try `assay explain 8.85` or `assay explain RUN:perplexity`',
  });
}

const BYTES: Readonly<Record<string, number>> = {
  ...{ B: 1, bytes: 1, KiB: 2 ** -10, MiB: 2 ** -20, GiB: 2 ** -30, TiB: 2 ** -40 },
  ...{ kB: 1e-3, KB: 1e-3, MB: 1e-6, GB: 1e-9, TB: 1e-12 },
};
const SECONDS: Readonly<Record<string, number>> = { s: 1, ms: 1e3, min: 1 / 60, h: 1 / 3600 };

/** Whether a document prints it with this unit, as far as the format of the number tells. */
export function isPrintedIn(format: NumberFormat, { unit }: WantedNumber): boolean {
  if (unit === '%') return format.style === 'percent';
  if (unit === null || !(unit in BYTES)) return true;
  return (
    format.style === `bytes-${unit.toLowerCase()}` ||
    (BYTES[unit] === 1 && format.style === 'integer')
  );
}

/** Whether a recorded value, at this unit of its metric, prints as what is wanted. */
export function roundsTo(value: number, unit: string, wanted: WantedNumber): boolean {
  return scales(unit, wanted.unit).some((scale) => printsAs(value * scale, wanted.text));
}

function scales(unit: string, asked: string | null): readonly number[] {
  const isShare = unit === 'fraction';
  if (asked === '%') return isShare ? [100] : [];
  if (asked !== null && asked in BYTES) return unit === 'bytes' ? [BYTES[asked] as number] : [];
  const [from, to] = [SECONDS[unit], SECONDS[asked ?? '']];
  if (from !== undefined && to !== undefined) return [to / from];
  if (unit === 'bytes') return [1, 2 ** -20, 2 ** -30];
  return isShare ? [1, 100] : [1];
}

function printsAs(value: number, text: string): boolean {
  const [mantissa = '', exponent] = text.split(/e/i);
  const digits = mantissa.split('.')[1]?.length ?? 0;
  if (exponent !== undefined) return Number(value.toExponential(digits)) === Number(text);
  return renderNumber(value, { style: 'fixed', digits }) === mantissa;
}
