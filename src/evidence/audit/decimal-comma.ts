/**
 * Documents with decimal commas (`28,42`, `1.234,5`, `12 345,6` with thin spaces or points between
 * thousands). Whether a document is one is decided by all of its numbers, and then they are read as
 * if they had points: character for character, so that every place stays what it is.
 */
import { UNIT_BEHIND } from './unit.ts';

/** Fewer could be slips, or lists without spaces. */
const LEAST = 3;
/** Characters. */
const CONTEXT = 40;
const THIN = String.raw`\u00a0\u2009\u202f`;
const NUMBER = new RegExp(
  String.raw`(?<![\p{L}\p{N}_.,/:#@\\])(?<![\p{L}\d][-–])` +
    String.raw`(?:\d{1,3}(?: \d{3})+,\d+|\d+(?:[.,${THIN}]\d+)*)(?![.,:/]?\d)(?![-–]\d)`,
  'gu',
);
const WITH_COMMA = /^(\d+),(\d+)$/;
const GROUPED = new RegExp(String.raw`^[1-9]\d{0,2}(?:[. ${THIN}]\d{3})+(?:,\d+)?$`);
const WITH_POINT = /^(\d+)\.(\d+)$/;
const GROUPED_BY_COMMAS = /^[1-9]\d{0,2}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})$/;
const VALUE_BEGINS = /(?:^|[|;:=(~≈<>±→*"])\s*[+\-−]?$/u;
const VALUE_ENDS = /^\s*(?:$|[|;)*"±→×])/u;
/** `PyTorch: 2.9` has a point wherever it is written. */
const OF_A_PROGRAM = /version|python|torch|cuda|vllm|transformers|driver|treiber/i;
const FENCE = /^\s*(?:```+|~~~+)/;
const INLINE_CODE = /`[^`]*`|\b[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/[^\s<>"|`]+/g;

/** At least three numbers that only a decimal comma explains, and none that only a point does. */
export function usesDecimalCommas(lines: readonly string[]): boolean {
  let commas = 0;
  for (const line of outsideCode(lines)) {
    for (const { numeral, at } of numeralsOf(line)) {
      const before = contextBefore(line, at);
      if (!isValue(line, { before, end: at + numeral.length })) continue;
      if (needsPoint(numeral) && !OF_A_PROGRAM.test(before)) return false;
      if (needsComma(numeral)) commas += 1;
    }
  }
  return commas >= LEAST;
}

/** The same lines with decimal points and commas between thousands; code stays as it is. */
export function withDecimalPoints(lines: readonly string[]): string[] {
  const plain = outsideCode(lines);
  return lines.map((line, i) => {
    let read = '';
    let done = 0;
    for (const { numeral, at } of numeralsOf(plain[i] as string)) {
      read += line.slice(done, at) + withPoint(numeral);
      done = at + numeral.length;
    }
    return read + line.slice(done);
  });
}

/** What such a document prints for a text with points: `1,234.5` is `1.234,5`, names stay. */
export function withDecimalCommas(text: string): string {
  return text.replaceAll(/(?<![\p{L}\p{N}_.,])(?<![\p{L}\d]-)\d[\d.,]*\d/gu, (numeral) =>
    numeral.replaceAll(/[.,]/g, (mark) => (mark === '.' ? ',' : '.')),
  );
}

/** Code and addresses are blanked: what they hold is no number of the document. */
function outsideCode(lines: readonly string[]): string[] {
  let isCode = false;
  return lines.map((line) => {
    const isFence = FENCE.test(line);
    if (isFence) isCode = !isCode;
    if (isFence || isCode) return '';
    return line.replace(INLINE_CODE, (code) => ' '.repeat(code.length));
  });
}

function numeralsOf(line: string): { numeral: string; at: number }[] {
  if (!/\d[.,\u00a0\u2009\u202f ]\d/.test(line)) return [];
  return [...line.matchAll(NUMBER)].map((match) => ({ numeral: match[0], at: match.index }));
}

/** It fills a cell, stands behind a label, or has a unit: a version in a sentence does not. */
function isValue(line: string, { before, end }: { before: string; end: number }): boolean {
  UNIT_BEHIND.lastIndex = end;
  if (UNIT_BEHIND.test(line)) return true;
  return VALUE_BEGINS.test(before) && VALUE_ENDS.test(contextBehind(line, end));
}

/** What stands around a number, bounded: a line may hold a million of them. */
const contextBefore = (line: string, at: number): string =>
  at <= CONTEXT ? line.slice(0, at) : `…${line.slice(at - CONTEXT, at)}`;
const contextBehind = (line: string, end: number): string =>
  line.length - end <= CONTEXT ? line.slice(end) : `${line.slice(end, end + CONTEXT)}…`;

/** `6,211` may be six thousand, and `0,211` may not. */
const isFraction = (whole: string, fraction: string): boolean =>
  fraction.length !== 3 || whole.startsWith('0') || whole.length > 3;

function needsComma(numeral: string): boolean {
  const [, whole, fraction] = WITH_COMMA.exec(numeral) ?? [];
  if (whole !== undefined) return isFraction(whole, fraction as string);
  return numeral.includes(',') && GROUPED.test(numeral);
}

function needsPoint(numeral: string): boolean {
  const [, whole, fraction] = WITH_POINT.exec(numeral) ?? [];
  if (whole !== undefined) return isFraction(whole, fraction as string);
  return GROUPED_BY_COMMAS.test(numeral);
}

function withPoint(numeral: string): string {
  if (WITH_COMMA.test(numeral)) return numeral.replace(',', '.');
  if (!GROUPED.test(numeral)) return numeral;
  const [whole = '', fraction] = numeral.split(',');
  const grouped = whole.replaceAll(/\D/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
