/** Where a conversion writes: what is refused, what an earlier one left, and what goes on. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { syncDirectory } from '../../record/atomic.ts';
import { canonicalSha256, sha256Hex } from '../../record/canonical.ts';
import { LimitError, UsageError } from '../../record/errors.ts';
import type { ConversionPlan } from './conversion-plan.ts';
import { writeFlushed } from './write-flushed.ts';

export interface Destination {
  readonly from: string;
  readonly out: string;
}

/** Holds the process that writes, and what: `PID SHA-256`. */
const MARKER = '.assay-conversion';

/** @throws UsageError, LimitError before anything is written */
export function refuseDestination({ from, out }: Destination, bytes: number): void {
  const problems: string[] = [];
  if (resolve(from) === resolve(out)) problems.push(`${out}: input and output are the same`);
  else if (existsSync(out)) problems.push(`${out}: exists already`);
  const parent = dirname(resolve(out));
  if (!statSync(parent, { throwIfNoEntry: false })?.isDirectory()) {
    problems.push(`${parent}: is no directory that exists`);
  }
  if (problems.length > 0) {
    throw new UsageError(problems, { hint: 'name a directory that does not exist yet' });
  }
  const partial = `${out}.partial`;
  refuseForeignPartial(partial);
  // What an earlier conversion left is written over, or need not be written.
  const free = freeBytes(out) + bytesIn(partial);
  if (free >= bytes) return;
  throw new LimitError(`${out}: needs ${bytes} bytes, ${free} are free`, {
    hint: 'free some space, or choose a directory on another disk',
    details: { path: out, expected: bytes, got: free },
  });
}

export function freeBytes(out: string): number {
  const { bavail, bsize } = statfsSync(dirname(resolve(out)));
  return bavail * bsize;
}

function bytesIn(dir: string): number {
  if (!existsSync(dir)) return 0;
  return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).blocks * 512, 0);
}

function readMarker(partial: string): { pid: number; task: string | null } | null {
  const path = join(partial, MARKER);
  if (!existsSync(path)) return null;
  const [pid, task = null] = readFileSync(path, 'utf8').trim().split(' ');
  return { pid: Number(pid), task };
}

/** Only what a conversion left that no longer runs may be cleared away. */
function refuseForeignPartial(partial: string): void {
  if (!existsSync(partial) || readdirSync(partial).length === 0) return;
  const marker = readMarker(partial);
  if (marker !== null && !isAlive(marker.pid)) return;
  const what =
    marker === null ? 'is not of a conversion' : `belongs to process ${marker.pid}, which runs`;
  throw new UsageError(`${partial}: ${what}`, {
    hint: 'move it away, or choose another output',
  });
}

function isAlive(pid: number): boolean {
  // Killed while it wrote the number: 0.
  if (pid === process.pid || !(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Makes `OUT.partial`, or takes over what an interrupted conversion left there, if it was the same:
 * equal plan, and input files of equal size and time. Whole files are kept, the rest is removed.
 * @returns the directory
 */
export function openPartial(plan: ConversionPlan, { out }: Destination): string {
  const dir = `${out}.partial`;
  const task = identityOf(plan);
  const resumes = existsSync(dir) && readMarker(dir)?.task === task;
  if (!resumes) rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const whole = plan.files.filter(({ name, layout }) => sizeOf(dir, name) === layout.fileBytes);
  const kept = new Set([MARKER, ...whole.map(({ name }) => name)]);
  for (const name of readdirSync(dir)) if (!kept.has(name)) rmSync(join(dir, name));
  writeFlushed(join(dir, MARKER), `${process.pid} ${task}`);
  return dir;
}

export function sizeOf(dir: string, name: string): number | null {
  return statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? null;
}

function identityOf({ files, config, quantizeConfig }: ConversionPlan): string {
  const inputs = new Set(
    files.flatMap(({ steps }) => steps.map(({ tensor }) => tensor.codes.location.file)),
  );
  return canonicalSha256({
    inputs: [...inputs].map((path) => {
      const { size, mtimeMs } = statSync(path);
      return { path, size, mtimeMs };
    }),
    files: files.map(({ name, layout }) => [name, sha256Hex(layout.header)]),
    config: JSON.parse(JSON.stringify({ config, quantizeConfig })),
  });
}

/** The last step: the model gets its name. */
export function publish(dir: string, out: string): void {
  renameSync(dir, out);
  // After the name: without its marker, a directory of a killed conversion could be anyone's.
  rmSync(join(out, MARKER), { force: true });
  syncDirectory(dirname(resolve(out)));
}

export function discard(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}
