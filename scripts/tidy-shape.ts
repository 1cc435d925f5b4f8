/** House style that needs the syntax tree: long functions and files, barrels, forbidden code. */
import type { Problem, SourceFile, SyntaxNode } from './source-tree.ts';

/** Lines a file may have; `soft` can be passed with a reason, `hard` never. */
export const FILE_BOUNDS = {
  source: { soft: 300, hard: 500 },
  test: { soft: 500, hard: 800 },
  generated: { soft: 20_000, hard: 20_000 },
} as const;

/** A function has fewer lines than this. */
export const FUNCTION_BOUND = 70;

const MAX_WIDTH = 100;

const isTest = (file: string) => file.endsWith('.test.ts');

/** Lines of a file, closing newline apart. */
function lineCount(source: SourceFile): number {
  return source.text.endsWith('\n') ? source.lines.length - 1 : source.lines.length;
}

export function checkFileLength(source: SourceFile): Problem[] {
  const head = source.lines.slice(0, 5);
  const generated = head.some((line) => line.includes('@generated'));
  const kind = generated ? 'generated' : isTest(source.file) ? 'test' : 'source';
  const { soft, hard } = FILE_BOUNDS[kind];
  const count = lineCount(source);
  const reason = head.some((line) => /^\s*(?:\/\/|\/?\*+) long: \S/.test(line));
  if (count < hard && (count <= soft || reason)) return [];
  const advice = count < hard ? 'split it, or say why in "// long: …" on top' : 'split it';
  const message = `${count} lines; a ${kind} file may have ${soft}, never ${hard}: ${advice}`;
  return [{ file: source.file, line: null, rule: 'file-length', message }];
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** Everything that needs a walk over the tree. */
export function checkTree(source: SourceFile): Problem[] {
  const problems: Problem[] = [];
  const add = (node: SyntaxNode, rule: string, message: string) =>
    problems.push(source.problemAt(node.start, rule, message));
  source.walk((node, parent) => {
    if (FUNCTIONS.has(node.type) && !isDescribeBody(parent)) {
      const count = source.lineAt(node.end) - source.lineAt(node.start) + 1;
      if (count >= FUNCTION_BOUND) {
        add(node, 'function-length', `${count} lines; a function has fewer than ${FUNCTION_BOUND}`);
      }
    }
    if (node.type === 'TSAsExpression' && typeOf(node) === 'TSAnyKeyword') {
      add(node, 'as-any', 'a cast to any switches the type check off; cast to what it is');
    }
    const called = calledName(node);
    if (called !== null && ONLY.test(called) && !isCall(node.callee)) {
      add(node, 'only', `${called}() leaves the other tests out`);
    }
    if (called === 'vi.mock' || called === 'vi.doMock') {
      add(node, 'mock', `${called}() replaces a module; inject what the code needs instead`);
    }
  });
  return problems;
}

function typeOf(node: SyntaxNode): string {
  return (node.typeAnnotation as SyntaxNode).type;
}

const ONLY = /^(?:describe|suite|it|test|bench)\.(?:\w+\.)*only\b/;

const isCall = (node: unknown) => (node as SyntaxNode).type === 'CallExpression';

/** `it.only` for `it.only(…)`, `it.each` for `it.each(rows)(…)`; null for anything deeper. */
function calledName(node: SyntaxNode): string | null {
  if (node.type !== 'CallExpression') return null;
  const parts: string[] = [];
  let callee = node.callee as SyntaxNode;
  if (isCall(callee)) callee = callee.callee as SyntaxNode;
  while (callee.type === 'MemberExpression' && callee.computed === false) {
    parts.unshift((callee.property as SyntaxNode).name as string);
    callee = callee.object as SyntaxNode;
  }
  if (callee.type !== 'Identifier') return null;
  return [callee.name as string, ...parts].join('.');
}

/** The body of a `describe` is a list of tests, not one function. */
function isDescribeBody(parent: SyntaxNode | null): boolean {
  return parent !== null && (calledName(parent)?.startsWith('describe') ?? false);
}

/** A module that only passes on what others export hides where things live. */
export function checkBarrel(source: SourceFile): Problem[] {
  const { file } = source;
  if (file === 'src/index.ts') return [];
  if (/(?:^|\/)index\.[cm]?[jt]sx?$/.test(file)) {
    const message = 'the only index is src/index.ts; name the file by its noun';
    return [{ file, line: null, rule: 'barrel', message }];
  }
  const body = source.parsed.program.body as unknown as SyntaxNode[];
  const passesOn = (node: SyntaxNode) => /^Export(?:All|Named)/.test(node.type) && !!node.source;
  if (body.length === 0 || !body.every(passesOn)) return [];
  const message = 'only re-exports; import from where the things live';
  return [{ file, line: null, rule: 'barrel', message }];
}

/** Wide lines, except imports, addresses, and the string data of tests. */
export function checkWidth(source: SourceFile): Problem[] {
  const problems: Problem[] = [];
  const data = isTest(source.file) ? stringLines(source) : new Set<number>();
  for (const [index, line] of source.lines.entries()) {
    // Code points, as the formatter counts: an accent is not two columns.
    const width = [...line].length;
    if (width <= MAX_WIDTH || data.has(index + 1)) continue;
    if (/https?:\/\/\S{20,}/.test(line) || /^\s*(?:import|export)\b.*\bfrom\b/.test(line)) continue;
    const message = `${width} columns; a line has at most ${MAX_WIDTH}`;
    problems.push({ file: source.file, line: index + 1, rule: 'width', message });
  }
  return problems;
}

/** Lines that hold a piece of a string, a template or a regular expression. */
function stringLines(source: SourceFile): Set<number> {
  const lines = new Set<number>();
  source.walk((node) => {
    const isText = node.type === 'TemplateElement' || node.type === 'Literal';
    if (!isText || node.end - node.start < 30) return;
    for (let line = source.lineAt(node.start); line <= source.lineAt(node.end); line += 1) {
      lines.add(line);
    }
  });
  return lines;
}

/** Comments that switch a check off. */
export function checkComments(source: SourceFile): Problem[] {
  const switchesOff = source.parsed.comments.filter(({ value }) =>
    /@ts-(?:ignore|nocheck)/.test(value),
  );
  return switchesOff.map(({ start }) =>
    source.problemAt(start, 'ts-ignore', 'hides every error of its line; mend the type instead'),
  );
}
