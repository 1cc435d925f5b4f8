/**
 * Arithmetic of claims: names, numbers, + − × /, parentheses, exp, ln, log2, sqrt, abs, min, max,
 * and one comparison. Evaluated over rounding intervals, so that a printed 1.2004 is not refuted by
 * its fifth decimal.
 */
import { UsageError } from '../../record/errors.ts';
import {
  add,
  divide,
  exactly,
  type Interval,
  multiply,
  rising,
  subtract,
} from '../audit/interval.ts';

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(<=|>=|==|[-+*/(),<>]))/y;
const RISING: Readonly<Record<string, (x: number) => number>> = {
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
};
const COMPARISONS = new Set(['<', '>', '<=', '>=', '==']);
const MAX_DEPTH = 50;

export type Comparison = '<' | '>' | '<=' | '>=' | '==';

export interface Evaluated {
  readonly left: Interval;
  readonly right: Interval;
  readonly comparison: Comparison;
}

interface Parser {
  readonly text: string;
  readonly tokens: readonly string[];
  readonly names: ReadonlyMap<string, Interval>;
  at: number;
  depth: number;
}

/** Throws UsageError for what is no formula, or names something that is not there. */
export function evaluate(text: string, names: ReadonlyMap<string, Interval>): Evaluated {
  const parser: Parser = { text, tokens: tokensOf(text), names, at: 0, depth: 0 };
  const left = sum(parser);
  const comparison = parser.tokens[parser.at++] ?? '';
  if (!COMPARISONS.has(comparison)) throw problem(parser, 'a comparison (<, <=, ==, >=, >)');
  const right = sum(parser);
  if (parser.at < parser.tokens.length) throw problem(parser, 'the end of the formula');
  return { left, right, comparison: comparison as Comparison };
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) {
      throw new UsageError(
        `the formula ${JSON.stringify(text)}: ${JSON.stringify(text[at])} at ${at + 1}`,
        {
          hint: 'names, numbers, + - * / ( ) and one comparison',
        },
      );
    }
    tokens.push((match[1] ?? match[2] ?? match[3]) as string);
  }
  return tokens;
}

function problem(parser: Parser, wanted: string): UsageError {
  const got = parser.tokens[parser.at] ?? 'its end';
  return new UsageError(
    `the formula ${JSON.stringify(parser.text)}: ${wanted} is needed, not ${got}`,
    {
      hint: 'an example: correct / total >= 0.47',
    },
  );
}

function sum(parser: Parser): Interval {
  let value = product(parser);
  while (parser.tokens[parser.at] === '+' || parser.tokens[parser.at] === '-') {
    const operator = parser.tokens[parser.at++];
    const next = product(parser);
    value = operator === '+' ? add(value, next) : subtract(value, next);
  }
  return value;
}

function product(parser: Parser): Interval {
  let value = atom(parser);
  while (parser.tokens[parser.at] === '*' || parser.tokens[parser.at] === '/') {
    const operator = parser.tokens[parser.at++];
    const next = atom(parser);
    const result = operator === '*' ? multiply(value, next) : divide(value, next);
    if (result === null) {
      throw new UsageError(`the formula ${JSON.stringify(parser.text)} divides by what may be 0`);
    }
    value = result;
  }
  return value;
}

function atom(parser: Parser): Interval {
  if (++parser.depth > MAX_DEPTH) throw problem(parser, 'a formula of less depth');
  try {
    const token = parser.tokens[parser.at++];
    if (token === '-') return subtract(exactly(0), atom(parser));
    if (token === '(') {
      const value = sum(parser);
      expectToken(parser, ')');
      return value;
    }
    if (token !== undefined && /^\d/.test(token)) return exactly(Number(token));
    if (token === undefined || !/^[A-Za-z_]/.test(token)) {
      parser.at--;
      throw problem(parser, 'a number or a name');
    }
    const call = RISING[token];
    if (call && parser.tokens[parser.at] === '(') {
      parser.at++;
      const argument = sum(parser);
      expectToken(parser, ')');
      return rising(argument, call);
    }
    const value = parser.names.get(token);
    if (!value) {
      const known = [...parser.names.keys()].join(', ') || 'none';
      throw new UsageError(
        `the formula ${JSON.stringify(parser.text)}: no number is named ${token}`,
        {
          hint: `its numbers are: ${known}`,
        },
      );
    }
    return value;
  } finally {
    parser.depth--;
  }
}

function expectToken(parser: Parser, wanted: string): void {
  if (parser.tokens[parser.at] !== wanted) throw problem(parser, wanted);
  parser.at++;
}

/** `true` and `false` only where every value of the intervals agrees; null: it is open. */
export function compared({ left, right, comparison }: Evaluated): boolean | null {
  switch (comparison) {
    case '==':
      if (left.high < right.low || right.high < left.low) return false;
      return true;
    case '<':
      if (left.high < right.low) return true;
      return left.low >= right.high ? false : null;
    case '<=':
      if (left.high <= right.low) return true;
      return left.low > right.high ? false : null;
    case '>':
      return compared({ left: right, right: left, comparison: '<' });
    case '>=':
      return compared({ left: right, right: left, comparison: '<=' });
  }
}
