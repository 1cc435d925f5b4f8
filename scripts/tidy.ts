/** House style as a check, one line per problem; rules in tidy-shape.ts and tidy-text.ts. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isCode, listFiles, type Problem, reportProblems, SourceFile } from './source-tree.ts';
import {
  checkBarrel,
  checkComments,
  checkFileLength,
  checkTree,
  checkWidth,
} from './tidy-shape.ts';
import { checkLinks, checkName, checkText } from './tidy-text.ts';

/** All problems of style below `root`. No file to look at is a problem too. */
export function checkTidy(options: { root: string; files?: readonly string[] }): {
  files: number;
  problems: Problem[];
} {
  const { root } = options;
  const files = options.files ?? listFiles(root);
  const problems = files.flatMap((file) => checkOne(root, file));
  if (!files.some(isCode)) {
    const message = 'no source files found: nothing was checked';
    problems.push({ file: '.', line: null, rule: 'zero-files', message });
  }
  return { files: files.length, problems };
}

function checkOne(root: string, file: string): Problem[] {
  const problems = checkName(file);
  const bytes = readFileSync(join(root, file));
  // A NUL never occurs in text, and early in almost every binary format.
  if (bytes.subarray(0, 8192).includes(0)) return problems;
  const text = bytes.toString('utf8');
  problems.push(...checkText(file, text));
  if (file.endsWith('.md')) problems.push(...checkLinks({ root, file, text }));
  if (isCode(file)) problems.push(...checkCode(new SourceFile(file, text)));
  return problems;
}

function checkCode(source: SourceFile): Problem[] {
  const { errors } = source.parsed;
  if (errors.length > 0) {
    return [source.problemAt(errors[0]!.labels[0]?.start ?? 0, 'syntax', errors[0]!.message)];
  }
  return [checkFileLength, checkTree, checkBarrel, checkWidth, checkComments].flatMap((check) =>
    check(source),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = resolve(import.meta.dirname, '..');
  const { files, problems } = checkTidy({ root });
  const passed = reportProblems({ check: 'tidy', files, problems, print: console.log });
  process.exitCode = passed ? 0 : 1;
}
