/**
 * Shell recipes of a document as data: `grep` with its pattern and files, loops over words
 * unrolled. They are matched by our own search; no shell ever sees them.
 */
import type { CodeBlock } from './record.ts';

export interface Recipe {
  /** The command, as it stands. */
  readonly text: string;
  /** Line of the document. */
  readonly line: number;
  readonly column: number;
  /** RE2. */
  readonly pattern: string;
  readonly ignoreCase: boolean;
  readonly invert: boolean;
  /** Paths or globs, relative to where the document's commands are run. */
  readonly files: readonly string[];
}

const SHELLS = new Set(['', 'bash', 'sh', 'shell', 'console', 'zsh']);
const LOOP = /^\s*for\s+(\w+)\s+in\s+([^;]+?)\s*;?\s*(?:do\b.*)?$/;
const MAX_TURNS = 100;

/** Every `grep` of the blocks, one recipe for each turn of a loop. */
export function recipesIn(blocks: readonly CodeBlock[]): Recipe[] {
  return blocks.filter((b) => SHELLS.has(b.language)).flatMap(recipesOf);
}

function recipesOf(block: CodeBlock): Recipe[] {
  const recipes: Recipe[] = [];
  let turns: { name: string; values: string[] } | null = null;
  for (const [i, whole] of block.lines.entries()) {
    const loop = LOOP.exec(whole);
    // `for i in 0 1; do grep x f$i; done` is a loop and its body.
    const line = loop ? whole.replace(/^.*?\bdo\b/, '') : whole;
    if (loop) {
      turns = { name: loop[1] as string, values: valuesOf(loop[2] as string) };
    } else if (/^\s*done\b/.test(line)) turns = null;
    if (loop && !/\bdo\b/.test(whole)) continue;
    for (const values of turns ? turns.values : [null]) {
      const text: string =
        values === null || turns === null ? line : substituted(line, turns.name, values);
      const found = grepIn(text);
      if (!found) continue;
      recipes.push({ ...found, line: block.line + i, column: whole.indexOf('grep') + 1 });
    }
    if (loop && /\bdone\b/.test(whole)) turns = null;
  }
  return recipes;
}

/** `0 1 2 3`, `{0..3}`, `$(seq 0 3)`. */
function valuesOf(list: string): string[] {
  const range = /^\{(\d+)\.\.(\d+)\}$|^\$\(seq (\d+) (\d+)\)$/.exec(list.trim());
  if (!range) return list.trim().split(/\s+/).slice(0, MAX_TURNS);
  const from = Number(range[1] ?? range[3]);
  const to = Number(range[2] ?? range[4]);
  const length = Math.min(MAX_TURNS, Math.max(0, to - from + 1));
  return Array.from({ length }, (_, i) => String(from + i));
}

function substituted(line: string, name: string, value: string): string {
  return line.replaceAll(`\${${name}}`, value).replaceAll(new RegExp(`\\$${name}\\b`, 'g'), value);
}

/** Words of a command up to its first pipe, redirection or separator; quotes are taken off. */
function shellWords(command: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < command.length; i++) {
    const c = command[i] as string;
    if (c === "'" || c === '"') {
      let end = i + 1;
      let text = '';
      while (end < command.length && command[end] !== c) {
        const escaped =
          c === '"' && command[end] === '\\' && /["\\$`]/.test(command[end + 1] ?? '');
        if (escaped) end++;
        text += command[end++];
      }
      word = (word ?? '') + text;
      i = end;
    } else if (c === '\\' && i + 1 < command.length) {
      word = (word ?? '') + command[++i];
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (/[|;&<>]/.test(c)) break;
    else word = (word ?? '') + c;
  }
  if (word !== null) words.push(word);
  return words;
}

const WITH_VALUE = new Set(['-A', '-B', '-C', '-m', '-f', '--include', '--exclude']);

function grepIn(line: string): Omit<Recipe, 'line' | 'column'> | null {
  const start =
    /(?:^|^\s*\$ |[|;&(]|\b(?:if|do|then|sudo|!) )\s*((?:[zef]?grep|egrep|fgrep|rg)\s.*)$/.exec(
      line,
    );
  if (!start || /^\s*#/.test(line)) return null;
  const words = shellWords(start[1] as string);
  const program = words.shift() as string;
  let flags = '';
  const patterns: string[] = [];
  const plain: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word === '-e' || word === '--regexp') patterns.push(words[++i] ?? '');
    else if (WITH_VALUE.has(word)) i++;
    else if (word.startsWith('--')) flags += LONG[word] ?? '';
    else if (/^-[A-Za-z]/.test(word)) flags += word.slice(1);
    else plain.push(word);
  }
  if (patterns.length === 0) patterns.push(plain.shift() ?? '');
  const piped = /\bcat\s+([^|]+)\|\s*[ef]?grep/.exec(line);
  const files = plain.length > 0 ? plain : piped ? shellWords(piped[1] as string) : [];
  if (files.length === 0 || patterns[0] === '') return null;
  const extended = /[EP]/.test(flags) || program === 'egrep' || program === 'rg';
  const fixed = flags.includes('F') || program === 'fgrep';
  const translate = fixed ? literal : extended ? (p: string) => p : basicToRe2;
  const body = patterns.map(translate).join('|');
  const pattern = flags.includes('w') ? `\\b(?:${body})\\b` : body;
  return {
    text: (start[1] as string).trim(),
    pattern,
    ignoreCase: flags.includes('i'),
    invert: flags.includes('v'),
    files,
  };
}

const LONG: Readonly<Record<string, string>> = {
  '--ignore-case': 'i',
  '--invert-match': 'v',
  '--extended-regexp': 'E',
  '--fixed-strings': 'F',
  '--perl-regexp': 'P',
  '--word-regexp': 'w',
};

const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** POSIX basic: `\|`, `\(`, `\+` are operators, and `|`, `(`, `+` are themselves. */
export function basicToRe2(pattern: string): string {
  return pattern.replaceAll(/\\([|(){}+?])|([|(){}+?])/g, (_, operator, plain) =>
    operator ? (operator as string) : `\\${plain as string}`,
  );
}
