/**
 * What any script prints: completion lines, exit codes, crashes, commands, `key: value` numbers.
 * A completion line between two rules (`=====`) is a banner: the shell script around a program
 * prints it whatever happened inside, so it never decides.
 */
import type { Dialect, DialectLog } from '../dialect.ts';
import type { LogLine } from '../log-line.ts';
import { applyRule, type Rule } from '../rules.ts';

/** So many lines from the start are read, whatever is in them. */
const HEAD_LINES = 400;
const MAX_VALUES = 60;
const LONGEST = 400;

const RULE = /^\s*([=\-#*_~─═])\1{4,}\s*$/;
const WORDS = '(?:complete|completed|finished|done|succeeded|successful|successfully)';
const SUBJECT = String.raw`(?:[A-Za-z0-9][\w ()/.,:'"\-]{0,80}?\b)?`;
const COMPLETION = new RegExp(
  `^[^A-Za-z0-9]*${SUBJECT}${WORDS}` +
    String.raw`(?: (?:successfully|in [\w .:]{1,30}))?[^A-Za-z0-9]*$`,
  'i',
);
const NOT_DONE = new RegExp(String.raw`\b(?:not|never|in)[ -]?(?:yet |been )?${WORDS}`, 'i');

const VALUE = new RegExp(
  String.raw`^\s*(?:[-*•] )?([A-Za-z][\w ()/.-]{1,50}?)\s*[:=]\s+` +
    String.raw`(-?\d[\d,]*(?:\.\d+)?)(?:\s*(%|[A-Za-z/]{1,12}))?\s*$`,
);
/** What other dialects make of such lines, or what is no quantity. */
const NOT_VALUES = /^(?:job ?id|elapsed|cpus|pid|port|process|line|rank|exitcode|exit code)$/i;
const COUNTED =
  /\b(\d[\d,]*) (samples|examples|prompts|instances|questions|layers|GPUs|requests|records)\b/;

const EXIT = new RegExp(
  String.raw`\b(?:exit(?:ed|ing)?(?: with)?|returned|return|finished with)[ _]?(?:non-zero )?` +
    String.raw`(?:exit )?(?:code|status)\b[ :=]*(-?\d{1,3})\b`,
  'i',
);

const RULES: readonly Rule[] = [
  {
    pattern: /\b[Tt]runcated (?:to|at) ([\d,]+) tokens/,
    facts: [{ name: 'truncatedTo', unit: 'tokens' }],
  },
  {
    pattern: /\b(?:[Ss]aved|[Ss]aving|SAVED)\b.{0,120}?\b(?:to|in|at)\b:? +((?:[./~]|[\w-]+\/)\S*)/,
    facts: [{ name: 'savedTo', keep: 'last' }],
  },
  {
    pattern: /\b[Ll]oading\b.{0,120}?\bfrom\b:? +((?:[./~]|[\w-]+\/)\S*)/,
    facts: [{ name: 'loadedFrom' }],
  },
  { pattern: /^[^A-Za-z0-9]*(?:Input|Source)\s*:\s+(\S+)\s*$/, facts: [{ name: 'input' }] },
  { pattern: /^[^A-Za-z0-9]*(?:Output|Destination)\s*:\s+(\S+)\s*$/, facts: [{ name: 'output' }] },
  {
    pattern: EXIT,
    facts: [{ name: 'exitCode', unit: 'exit code', keep: 'last' }],
    also: ([, code], log, line) => log.sign('state', code === '0' ? 'succeeded' : 'failed', line),
  },
  {
    pattern: /\bSegmentation fault\b|\(core dumped\)|^Bus error|\bFatal Python error\b/,
    sign: { kind: 'error', outcome: 'failed' },
  },
  { pattern: /(?:^|: +\d+ )Killed\b/, sign: { kind: 'error', outcome: 'failed' } },
];
const PROGRAMS = String.raw`srun|python3?|torchrun|accelerate launch|vllm serve|lm_eval|llama-\w+`;
const COMMAND = new RegExp(
  String.raw`^(?:\++ |\$ )(\S.*)$|^(?:Command|Running command|Executing|CMD)\s*[:=]\s*(\S.*)$|` +
    `^((?:${PROGRAMS}) .*)$`,
  'i',
);

export const plain: Dialect = {
  name: 'plain',
  needles: [
    ...['omplete', 'OMPLETE', 'inished', 'INISHED', 'Done', 'DONE', 'uccess', 'UCCESS', 'ucceeded'],
    ...[
      'runcated to',
      'aved ',
      'aving ',
      'exit code',
      'exit status',
      'Exit code',
      'exited with',
      'EXIT_CODE',
    ],
    ...['Segmentation fault', 'core dumped', 'Bus error', 'Killed', 'Fatal Python'],
  ],
  open(log) {
    log.follow(HEAD_LINES);
    const completion = completionReader(log);
    let values = 0;
    return {
      line(line) {
        const { text } = line;
        completion.line(line);
        if (text.length > LONGEST || text === '' || text.includes('%|')) return;
        for (const rule of RULES) applyRule(rule, log, line);
        const command = COMMAND.exec(text);
        if (command) log.command((command[1] ?? command[2] ?? command[3]) as string, line);
        if (values < MAX_VALUES && putValue(text, log, line)) values += 1;
      },
      end: () => completion.end(),
    };
  },
};

function putValue(text: string, log: DialectLog, line: LogLine): boolean {
  const pair = VALUE.exec(text);
  if (pair) {
    const [, key, figure, unit] = pair as unknown as [string, string, string, string | undefined];
    if (NOT_VALUES.test(key)) return false;
    const value = Number(figure.replaceAll(',', ''));
    log.fact(key.trim(), value, line, unit === undefined ? {} : { unit });
    return true;
  }
  const counted = COUNTED.exec(text);
  if (!counted) return false;
  const [, figure, what] = counted as unknown as [string, string, string];
  log.fact(`count.${what}`, Number(figure.replaceAll(',', '')), line, { unit: what });
  return true;
}

/** Tells a program's own last line from a banner: it looks at the lines before and after. */
function completionReader(log: DialectLog): { line(line: LogLine): void; end(): void } {
  let pending: LogLine | null = null;
  let afterRule = false;
  let pendingAfterRule = false;
  const decide = (isFramed: boolean): void => {
    if (pending === null) return;
    if (isFramed) log.sign('banner', 'succeeded', pending);
    else log.sign('final', 'succeeded', pending);
    pending = null;
  };
  return {
    line(line) {
      const { text } = line;
      const isRule = text.length < 200 && RULE.test(text);
      if (pending !== null && line.number > pending.number) decide(isRule || pendingAfterRule);
      if (text.length <= LONGEST && COMPLETION.test(text) && !NOT_DONE.test(text)) {
        pending = line.copy();
        pendingAfterRule = afterRule;
        log.follow(1);
      }
      afterRule = isRule;
    },
    end: () => decide(pendingAfterRule),
  };
}
