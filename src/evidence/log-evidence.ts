/** A directory of logs with its index: what claims and documents are held against. */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Evidence, LogFile, LogIndex } from '../logs/log-index.ts';
import { Cancelled } from '../record/errors.ts';
import { compilePattern, evidenceOf, linesOf, type Pattern, plainText } from './line-search.ts';

export interface LogEvidence {
  /** Absolute. */
  readonly root: string;
  readonly index: LogIndex;
}

export interface Matches {
  readonly count: number;
  readonly lines: number;
  /** The first few. */
  readonly first: readonly Evidence[];
  /** Captures of the first match. */
  readonly groups: readonly (string | null)[] | null;
}

const SHOWN = 5;
const TURN_MS = 50;

/** Throws what the file system throws (the file may be gone since it was indexed), Cancelled. */
export async function matchesIn(
  logs: LogEvidence,
  path: string,
  search: { pattern: Pattern; invert?: boolean; signal?: AbortSignal | undefined },
): Promise<Matches> {
  let turn = performance.now();
  let count = 0;
  let lines = 0;
  const first: Evidence[] = [];
  let groups: Matches['groups'] = null;
  for (const line of linesOf(join(logs.root, path))) {
    lines++;
    // Ctrl-C needs the event loop, also in the middle of a file of gigabytes.
    if (performance.now() - turn > TURN_MS) {
      await nextTurn();
      if (search.signal?.aborted) throw new Cancelled();
      turn = performance.now();
    }
    const text = plainText(line);
    if (search.pattern.test(text) === (search.invert ?? false)) continue;
    count++;
    if (first.length < SHOWN) first.push(evidenceOf(path, line));
    groups ??= search.pattern.groups(text);
  }
  return { count, lines, first, groups };
}

export interface Resolved {
  readonly file: LogFile;
  /** `moved`: the only file of that name, at another path. */
  readonly how: 'there' | 'moved';
}

/** A path of a document in the index: as it stands, else the one file of its name. */
export function resolvePath(index: LogIndex, written: string): Resolved | null {
  const path = written.replace(/^(?:\.\/)+/, '').replace(/\\/g, '/');
  const there =
    index.files.find((f) => f.path === path) ??
    // The document and the logs may be seen from two directories of one tree.
    index.files.find((f) => path.endsWith(`/${f.path}`) || f.path.endsWith(`/${path}`));
  if (there) return { file: there, how: 'there' };
  const name = path.split('/').at(-1);
  const named = index.files.filter((f) => f.path.split('/').at(-1) === name);
  const [only] = named;
  if (!only || named.length > 1) return null;
  return { file: only, how: 'moved' };
}

/** `server/vllm_gpu*.log` as files of the index; a plain path as itself. */
export function resolveGlob(index: LogIndex, written: string): Resolved[] {
  if (!/[*?[]/.test(written)) {
    const one = resolvePath(index, written);
    return one ? [one] : [];
  }
  const pattern = compilePattern(globToRe2(written.replace(/^(?:\.\/)+/, '')));
  const fits = index.files.filter((f) => pattern.test(f.path));
  if (fits.length > 0) return fits.map((file) => ({ file, how: 'there' }));
  const name = compilePattern(globToRe2(written.split('/').at(-1) as string));
  return index.files
    .filter((f) => name.test(f.path.split('/').at(-1) as string))
    .map((file) => ({ file, how: 'moved' }));
}

/** `**` crosses directories, `*` and `?` do not. */
export function globToRe2(glob: string): string {
  const body = glob.replaceAll(/\*\*\/?|[*?]|[\\^$.+()[\]{}|]/g, (found) => {
    if (found.startsWith('**')) return '.*';
    if (found === '*') return '[^/]*';
    return found === '?' ? '[^/]' : `\\${found}`;
  });
  return `^${body}$`;
}
