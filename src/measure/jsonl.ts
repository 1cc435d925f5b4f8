/** Text inputs that people hand us: UTF-8 checked, JSONL errors named by line. */
import { readFile } from 'node:fs/promises';
import { FormatError } from '../record/errors.ts';

/** Throws FormatError: missing, a directory, not UTF-8, or a Git-LFS pointer instead of data. */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a folder' : code;
    throw new FormatError(`${path}: ${why}`, {
      hint: 'give a .txt file (one document) or a .jsonl file (one document a row)',
      details: { path },
      cause,
    });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${path}: not UTF-8 text`, {
      hint: 'save the file as UTF-8; compressed and binary files are not read',
      details: { path },
      cause,
    });
  }
  if (text.startsWith('version https://git-lfs.github.com/spec/')) {
    throw new FormatError(`${path}: a Git-LFS pointer, not the data itself`, {
      hint: 'run `git lfs pull` in that repository',
      details: { path },
    });
  }
  return text;
}

export interface JsonlRow {
  readonly line: number;
  readonly value: Record<string, unknown>;
}

export const ROW_HINT =
  'in a .jsonl file every line is one JSON object; a plain text is a .txt file';

/** Objects of a JSONL text; empty lines are skipped. Throws FormatError naming the line. */
export function parseJsonl(text: string, path: string): JsonlRow[] {
  const rows: JsonlRow[] = [];
  for (const read of readJsonl(text)) {
    if ('problem' in read) {
      const { line, problem, cause } = read;
      throw new FormatError(`${path}:${line}: ${problem}`, {
        hint: ROW_HINT,
        details: { path, line },
        cause,
      });
    }
    rows.push(read);
  }
  return rows;
}

export interface JsonlProblem {
  readonly line: number;
  readonly problem: string;
  readonly cause?: unknown;
}

/** Line by line what is there, for those who tell all problems of a file at once. */
export function* readJsonl(text: string): Generator<JsonlRow | JsonlProblem> {
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    if (raw.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch (cause) {
      yield { line, problem: `not JSON: ${(cause as Error).message}`, cause };
      continue;
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      yield { line, problem: 'a row must be a JSON object' };
    } else {
      yield { line, value: value as Record<string, unknown> };
    }
  }
}
