/**
 * The numerals of a Markdown text. All of it is read, code and tables too: a document has few
 * numbers that nobody vouches for, and leaving markup out would be a place to hide one.
 *
 * A *word* is a maximal run of letters, digits and `_ . , + - − / ~ # @ \`. In a word without a
 * letter every numeral counts: an optional sign at its start, digits (also grouped as `1,234,567`),
 * decimals, an exponent. So those of `95 %`, `1.8×`, `n=42`, `(0.1, 0.2)`, `32/48`, `10-20` all
 * count. `[100,200]` is one grouped numeral: a document writes a space there.
 *
 * Not numerals, by rule:
 * - words with a letter or an inner underscore, other than an exponent: `int8-g128`, `f32`, `3ms`,
 *   hashes, run ids, paths (so a document writes `3 ms`, with a space);
 * - dates (2026-11-20, 2026/11/20, 20/11/2026), times of day (05:34, 05:34:00.5), versions and
 *   addresses (two or more dots: 1.30.0, 127.0.0.1), references (`#12`, `@3`), URLs;
 * - the number of a list item or a heading at the start of a line (`1.`, `## 2.`, `3)`).
 */
export interface Numeral {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** As it stands, sign included. */
  readonly text: string;
}

const URL_WORD = /\b[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/[^\s<>"|`]+/g;
const STAMP = new RegExp(
  String.raw`(?<![\p{L}\d])\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?` +
    String.raw`(?:Z|[+-]\d\d:?\d\d)?(?![\p{L}\d:])`,
  'gu',
);
const TIME = /(?<![\p{L}\d:.])\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?![\p{L}\d:])/gu;
/** What a stamp and a time have in them. */
const CLOCK = /\d:\d/;
const LIST_NUMBER = /^[\s>#]*\d{1,9}[.)](?=\s)/;
const WORD = /[\p{L}\p{M}\p{N}_.,+\-−/~#@\\]+/gu;
/** A line of ASCII, and its words: the same ones, found several times as fast. */
const PLAIN = /^[\0-\x7f]*$/;
const PLAIN_WORD = /[A-Za-z0-9_.,+\-/~#@\\]+/g;

const DATE = /^(\d{4}-\d\d-\d\d|\d{4}\/\d\d?\/\d\d?|\d\d?\/\d\d?\/\d{4})$/;
const DOTTED = /^\d+(\.\d+){2,}$/;
const WHOLE = /^[+\-−]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+\-−]?\d+)?$/;
/** A sign behind a digit is a range's dash: `10-20`. */
const PART = /(?:(?<!\d)[+\-−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][+\-−]?\d+)?/g;
const EXPONENT = /(?<=\d)[eE](?=[+\-−]?\d)/g;

export function findNumerals(text: string): Numeral[] {
  return text.split('\n').flatMap((line, index) =>
    [...withoutExcluded(line).matchAll(PLAIN.test(line) ? PLAIN_WORD : WORD)].flatMap((match) =>
      inWord(match[0]).map(({ at, text: numeral }) => ({
        line: index + 1,
        column: match.index + at + 1,
        text: numeral,
      })),
    ),
  );
}

/** The line with what may never count replaced by as many spaces, so that places stay. */
function withoutExcluded(line: string): string {
  const blank = (found: string): string => ' '.repeat(found.length);
  let text = line.replace(LIST_NUMBER, blank);
  if (text.includes('://')) text = text.replace(URL_WORD, blank);
  return CLOCK.test(text) ? text.replace(STAMP, blank).replace(TIME, blank) : text;
}

function inWord(word: string): { at: number; text: string }[] {
  // Emphasis (`_5_`), approximation (`~5`) and punctuation (`5.`, `5,`) are not part of it.
  const start = /^[_~,/\\]*/.exec(word)?.[0].length ?? 0;
  const inner = word.slice(start).replace(/[_~.,+\-−/\\]+$/, '');
  if (!/\d/.test(inner) || /^[#@]/.test(inner)) return [];
  if (WHOLE.test(inner)) return [{ at: start, text: inner }];
  if (/[\p{L}\p{M}_#@\\]/u.test(inner.replaceAll(EXPONENT, ''))) return [];
  if (DATE.test(inner) || DOTTED.test(inner)) return [];
  return [...inner.matchAll(PART)].map((part) => ({ at: start + part.index, text: part[0] }));
}
