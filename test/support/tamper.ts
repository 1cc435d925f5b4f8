/** Changes one digit of a file, and says where and what it was. */
import { readFileSync, writeFileSync } from 'node:fs';
import { below, type RandomU32 } from '../../src/analyze/random.ts';

export interface Tampering {
  readonly path: string;
  /** From 1, as editors count. */
  readonly line: number;
  readonly column: number;
  /** The line before and after. */
  readonly before: string;
  readonly after: string;
  readonly was: string;
  readonly is: string;
  undo(): void;
}

/** `where` limits the digits: it gets the text of the line and the index of the digit in it. */
export function changeDigit(
  path: string,
  random: RandomU32,
  where: (line: string, at: number, number: number) => boolean = () => true,
): Tampering {
  const original = readFileSync(path, 'utf8');
  const lines = original.split('\n');
  const digits = lines.flatMap((text, line) =>
    [...text].flatMap((character, at) =>
      /\d/.test(character) && where(text, at, line + 1) ? [{ line, at }] : [],
    ),
  );
  if (digits.length === 0) throw new Error(`${path} has no such digit`);
  const { line, at } = digits[below(random, digits.length)]!;
  const before = lines[line]!;
  const was = before[at]!;
  const is = String((Number(was) + 1 + below(random, 9)) % 10);
  const after = before.slice(0, at) + is + before.slice(at + 1);
  writeFileSync(path, lines.with(line, after).join('\n'), 'utf8');
  return {
    ...{ path, line: line + 1, column: at + 1, before, after, was, is },
    undo: () => writeFileSync(path, original, 'utf8'),
  };
}

export function describeTampering(t: Tampering): string {
  const from = Math.max(0, t.column - 60);
  const around = t.before.slice(from, t.column + 40);
  return `${t.path}:${t.line}:${t.column}: ${t.was} → ${t.is} in ${around}`;
}
