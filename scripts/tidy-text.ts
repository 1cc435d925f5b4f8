/** House style that needs only names and text: paths, folders, forbidden words, broken links. */
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { isCode, type Problem } from './source-tree.ts';

/** A helper lives with its noun; these names say nothing about what is inside. */
const NAMELESS = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'lib']);

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/;

export function checkName(file: string): Problem[] {
  const segments = file.split('/');
  const name = segments.pop()!;
  const problems: Problem[] = [];
  const add = (rule: string, message: string) => problems.push({ file, line: null, rule, message });
  for (const segment of segments) {
    if (NAMELESS.has(segment)) add('nameless-folder', `"${segment}/" names no thing`);
    else if (isCode(file) && !KEBAB.test(segment)) add('kebab-case', `folder "${segment}/"`);
  }
  if (isCode(file) && !KEBAB.test(name)) add('kebab-case', `"${name}" is not kebab-case`);
  return problems;
}

interface TextRule {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly message: string;
  readonly applies: (file: string) => boolean;
}

const TEXT_RULES: readonly TextRule[] = [
  {
    rule: 'machine-path',
    // A slash before the name must begin the path: `https://host/home/x` is an address.
    pattern: /(?<![\w.~-])\/(?:work|home|root)\//,
    message: 'a path of one machine; it exists nowhere else',
    applies: () => true,
  },
  {
    rule: 'left-undone',
    pattern: /\b(?:TO[D]O|FIX[M]E)\b/,
    message: 'do it, or write down what is missing where a reader looks for it',
    applies: () => true,
  },
  {
    rule: 'shared',
    pattern: /\.\.\/shared\b/,
    message: 'the product reads nothing beside its own checkout',
    applies: (file) => file.startsWith('src/'),
  },
];

/** Vocabularies and licences are other people's words. */
const NOT_OUR_WORDS = /^(?:LICENSE|package-lock\.json|models\/.*(?<!\.md))$/;

export function checkText(file: string, text: string): Problem[] {
  if (NOT_OUR_WORDS.test(file)) return [];
  const rules = TEXT_RULES.filter(({ applies }) => applies(file));
  return text
    .split('\n')
    .flatMap((line, index) =>
      rules
        .filter(({ pattern }) => pattern.test(line))
        .map(({ rule, message }) => ({ file, line: index + 1, rule, message })),
    );
}

/** Relative links of a Markdown file that lead to no file. */
export function checkLinks(options: { root: string; file: string; text: string }): Problem[] {
  const { root, file } = options;
  const problems: Problem[] = [];
  let fence: string | null = null;
  for (const [index, line] of options.text.split('\n').entries()) {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (mark !== undefined) {
      if (fence === null) fence = mark;
      else if (mark.startsWith(fence)) fence = null;
      continue;
    }
    if (fence !== null) continue;
    for (const target of linksOf(line)) {
      const path = posix.join(posix.dirname(file), decodeURI(target));
      if (!path.startsWith('..') && existsSync(join(root, path))) continue;
      const message = `links to "${target}", but there is no such file in the repository`;
      problems.push({ file, line: index + 1, rule: 'broken-link', message });
    }
  }
  return problems;
}

/** Targets without their anchor; addresses and pure anchors are not ours to resolve. */
function linksOf(line: string): string[] {
  const prose = line.replace(/`[^`]*`/g, '');
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const reference = [...prose.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/g)];
  return [...inline, ...reference]
    .map((match) => match[1]!.replace(/[#?].*$/, ''))
    .filter((target) => target !== '' && !/^[a-z][a-z0-9+.-]*:/i.test(target));
}
