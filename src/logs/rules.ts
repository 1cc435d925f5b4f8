/** Dialects whose lines stand alone: a table of patterns and what each capture is. */
import type { Dialect, DialectLog } from './dialect.ts';
import type { Sign } from './log-index.ts';
import type { LogLine } from './log-line.ts';

export interface Rule {
  readonly pattern: RegExp;
  /** Captures in order; null: not a fact. Numbers lose their thousands separators. */
  readonly facts?: readonly (RuleFact | null)[];
  readonly sign?: Pick<Sign, 'kind' | 'outcome'>;
  /** What else to do. */
  readonly also?: (match: RegExpExecArray, log: DialectLog, line: LogLine) => void;
}

export interface RuleFact {
  readonly name: string;
  /** Given: the capture is a number of this unit; absent: it is a text. */
  readonly unit?: string;
  /** Which one stays when several lines have it: the first by default. */
  readonly keep?: 'last' | 'max';
}

/** Every rule is tried on every line that a needle marked. */
export function ruleDialect(options: {
  name: string;
  needles: readonly string[];
  rules: readonly Rule[];
}): Dialect {
  const { name, needles, rules } = options;
  return {
    name,
    needles,
    open: (log) => ({
      line(line) {
        for (const rule of rules) applyRule(rule, log, line);
      },
    }),
  };
}

export function applyRule(rule: Rule, log: DialectLog, line: LogLine): boolean {
  const match = rule.pattern.exec(line.text);
  if (!match) return false;
  log.spoken();
  for (const [i, fact] of (rule.facts ?? []).entries()) {
    const text = match[i + 1];
    if (fact === null || text === undefined) continue;
    putFact(fact, text, { log, line });
  }
  if (rule.sign) log.sign(rule.sign.kind, rule.sign.outcome, line);
  rule.also?.(match, log, line);
  return true;
}

function putFact(
  { name, unit, keep }: RuleFact,
  text: string,
  { log, line }: { log: DialectLog; line: LogLine },
): void {
  if (unit === undefined) {
    if (keep === 'last') log.lastFact(name, text.trim(), line);
    else log.fact(name, text.trim(), line);
    return;
  }
  const value = Number(text.replaceAll(/[,_]/g, ''));
  // `inf tokens per second` occurs; JSON cannot hold it, and it is no measurement.
  if (!Number.isFinite(value)) return;
  if (keep === 'max') log.max(name, value, line, unit);
  else if (keep === 'last') log.lastFact(name, value, line, { unit });
  else log.fact(name, value, line, { unit });
}
