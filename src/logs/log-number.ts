/** A number of an index by its address: what a document cites, and how it is found again. */
import type { Bar, LogFile, LogIndex } from './log-index.ts';

export interface LogNumberReference {
  readonly from: 'log';
  /** Path of a file in the index; of a fleet its name. */
  readonly log: string;
  /** `bytes`, `lines`, `durationS`, `fact:<name>`, `bar:<name>:<field>`, `fleet:<field>`. */
  readonly field: string;
}

/** null when the log or the number is not there (any more). */
export function logNumber(index: LogIndex, { log, field }: LogNumberReference): number | null {
  const [kind = '', rest = ''] = split(field);
  if (kind === 'fleet') {
    const fleet = index.fleets.find(({ name }) => name === log);
    const served = fleet?.servers.find(({ path }) => path === rest)?.requests;
    return served ?? numeric(fleet?.[rest as 'requests' | 'maxOverMin' | 'jain']);
  }
  const file = filesOf(index).get(log);
  if (!file) return null;
  if (kind === 'fact') return numeric(file.facts[rest]?.value);
  if (kind !== 'bar') return numeric(file[kind as 'bytes' | 'lines' | 'segments' | 'durationS']);
  const at = rest.lastIndexOf(':');
  const bar = file.bars.find(({ name }) => name === rest.slice(0, at));
  return numeric(bar?.[rest.slice(at + 1) as keyof Bar]);
}

const byPath = new WeakMap<LogIndex, ReadonlyMap<string, LogFile>>();

/** A document cites thousands of numbers of thousands of files. */
function filesOf(index: LogIndex): ReadonlyMap<string, LogFile> {
  const known = byPath.get(index);
  if (known) return known;
  const files = new Map(index.files.map((file) => [file.path, file]));
  byPath.set(index, files);
  return files;
}

function split(field: string): [string, string] {
  const at = field.indexOf(':');
  return at < 0 ? [field, ''] : [field.slice(0, at), field.slice(at + 1)];
}

function numeric(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
