/** The files of the repository and their syntax trees, for the checks in this folder. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ParseResult, parseSync, visitorKeys } from 'oxc-parser';

/** One thing that a check found wrong. */
export interface Problem {
  /** Relative to the root, forward slashes. */
  readonly file: string;
  /** 1-based; null when the problem is the file itself. */
  readonly line: number | null;
  readonly rule: string;
  readonly message: string;
}

/** A node of the syntax tree, as far as the checks look into it. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** Left out where there is no git to say what is ignored (an unpacked archive). */
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git', 'runs', 'seals', 'reports']);

/** Tracked files and new ones that git does not ignore, relative to `root`, sorted. */
export function listFiles(root: string): string[] {
  let names: string[];
  try {
    const args = ['-C', root, 'ls-files', '-co', '--exclude-standard', '-z'];
    const bytes = execFileSync('git', args, { stdio: 'pipe', maxBuffer: 1 << 26 });
    names = bytes.toString('utf8').split('\0');
  } catch {
    names = [...walkFolder(root, '')];
  }
  // A file that was deleted but not yet committed is still listed by git.
  const present = names.filter((name) => name !== '' && isFile(join(root, name)));
  return [...new Set(present)].sort();
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function* walkFolder(root: string, folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !NOT_OURS.has(entry.name)) yield* walkFolder(root, name);
    else if (entry.isFile()) yield name;
  }
}

export function isCode(file: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(file);
}

/** A parsed source file, with the line of every offset. */
export class SourceFile {
  readonly file: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly parsed: ParseResult;
  readonly #starts: number[];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.lines = text.split('\n');
    this.parsed = parseSync(file, text);
    this.#starts = [0];
    for (const line of this.lines) this.#starts.push(this.#starts.at(-1)! + line.length + 1);
  }

  static read(root: string, file: string): SourceFile {
    return new SourceFile(file, readFileSync(join(root, file), 'utf8'));
  }

  /** 1-based line of an offset. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  problemAt(offset: number, rule: string, message: string): Problem {
    return { file: this.file, line: this.lineAt(offset), rule, message };
  }

  /** Calls `visit` for every node, parents first. */
  walk(visit: (node: SyntaxNode, parent: SyntaxNode | null) => void): void {
    walkNode(this.parsed.program as unknown as SyntaxNode, null, visit);
  }
}

function walkNode(
  node: SyntaxNode,
  parent: SyntaxNode | null,
  visit: (node: SyntaxNode, parent: SyntaxNode | null) => void,
): void {
  visit(node, parent);
  for (const key of visitorKeys[node.type] ?? []) {
    const child = node[key];
    for (const one of Array.isArray(child) ? child : [child]) {
      if (one !== null && typeof one === 'object') walkNode(one as SyntaxNode, node, visit);
    }
  }
}

/** Prints the problems, one line each, and says whether the check passed. */
export function reportProblems(options: {
  check: string;
  files: number;
  problems: readonly Problem[];
  print: (line: string) => void;
}): boolean {
  for (const { file, line, rule, message } of options.problems) {
    options.print(`${line === null ? file : `${file}:${line}`}: ${message} [${rule}]`);
  }
  const count = options.problems.length;
  const found = count === 0 ? 'no problems' : `${count} problem${count === 1 ? '' : 's'}`;
  options.print(`${options.check}: ${options.files} files, ${found}`);
  return count === 0;
}
