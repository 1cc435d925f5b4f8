/**
 * Carries out a plan. Everything is written into `OUT.partial`, flushed, verified, and only then
 * gets its name: under OUT there is a whole and checked model, or nothing. Memory holds one band of
 * rows, whatever the size of a tensor. A killed conversion leaves `OUT.partial`, which the next one
 * starts over.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncDirectory, writeJsonAtomic } from '../../record/atomic.ts';
import { Cancelled, LimitError, UsageError } from '../../record/errors.ts';
import { storageError } from '../../record/storage-error.ts';
import type { ReadAt } from '../formats/stored-tensor.ts';
import { refuseOutsideLinks } from '../outside-link.ts';
import { bytesOfTensor, type ConversionPlan, type OutputFile } from './conversion-plan.ts';
import { piecesOf } from './step-pieces.ts';

/** Bytes that were written at one place, as they were in memory. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
}

export interface Written {
  /** The directory while it is checked: `OUT.partial`. */
  readonly dir: string;
  readonly extents: ReadonlyMap<string, readonly Extent[]>;
  readonly convertMs: number;
  readonly fsyncMs: number;
}

export interface Destination {
  readonly from: string;
  readonly out: string;
}

const MARKER = '.assay-conversion';
/** config, index and quantize_config are written anew; the rest of these would be stale. */
const STALE = ['config.json', 'quantize_config.json', 'quant_config.json', 'recipe.yaml'];
const WEIGHTS = /\.(safetensors|bin|pth?|gguf|onnx|index\.json)$/;

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
  refuseForeignPartial(`${out}.partial`);
  const free = freeBytes(out);
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

/** Only what a conversion left that no longer runs may be cleared away. */
function refuseForeignPartial(partial: string): void {
  if (!existsSync(partial) || readdirSync(partial).length === 0) return;
  const marker = join(partial, MARKER);
  const pid = existsSync(marker) ? Number(readFileSync(marker, 'utf8')) : null;
  if (pid !== null && !isAlive(pid)) return;
  const what = pid === null ? 'is not of a conversion' : `belongs to process ${pid}, which runs`;
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

export interface WriteOptions {
  readonly readAt: ReadAt;
  readonly signal?: AbortSignal;
  readonly onTensor?: (file: string, tensor: string) => void;
}

/**
 * @throws LimitError or StorageError when the disk does not take it, Cancelled, FormatError for a
 * scale or weight that cannot be; nothing is left behind then
 */
export async function writeCheckpoint(
  plan: ConversionPlan,
  to: Destination,
  options: WriteOptions,
): Promise<Written> {
  refuseDestination(to, plan.fileBytes);
  const dir = `${to.out}.partial`;
  try {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    writeText(join(dir, MARKER), String(process.pid));
    const extents = new Map<string, readonly Extent[]>();
    let convertMs = 0;
    let fsyncMs = 0;
    for (const file of plan.files) {
      const times = await writeFile(file, { ...options, dir });
      extents.set(file.name, times.extents);
      convertMs += times.convertMs;
      fsyncMs += times.fsyncMs;
    }
    await copyCompanions(to.from, dir);
    writeConfigs(plan, dir);
    syncDirectory(dir);
    return { dir, extents, convertMs, fsyncMs };
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    const errno = (error as NodeJS.ErrnoException).errno;
    throw errno === undefined ? error : storageError({ doing: 'write', path: dir, cause: error });
  }
}

/** The last step: the model gets its name. */
export function publish({ dir }: Written, out: string): void {
  renameSync(dir, out);
  // After the name: without its marker, a directory of a killed conversion could be anyone's.
  rmSync(join(out, MARKER), { force: true });
  syncDirectory(dirname(resolve(out)));
}

export function discard({ dir }: Written): void {
  rmSync(dir, { recursive: true, force: true });
}

async function writeFile(file: OutputFile, options: WriteOptions & { readonly dir: string }) {
  const started = performance.now();
  const { header, offsets } = file.layout;
  const extents: Extent[] = [];
  const fd = openSync(join(options.dir, file.name), 'w');
  try {
    const put = (offset: number, bytes: Uint8Array): void => {
      writeAt(fd, bytes, offset);
      extents.push({ offset, length: bytes.byteLength, crc: crc32(bytes) });
    };
    put(0, header);
    for (const step of file.steps) {
      for (const pieces of piecesOf(step, options.readAt)) {
        for (const { tensor, offset, bytes } of pieces) put(offsets.get(tensor)! + offset, bytes);
        // Lets an interrupt and the heartbeat of the run through.
        await new Promise(setImmediate);
        if (options.signal?.aborted) throw new Cancelled();
      }
      options.onTensor?.(file.name, step.tensor.name);
    }
    const converted = performance.now();
    fsyncSync(fd);
    const ended = performance.now();
    return { extents, convertMs: converted - started, fsyncMs: ended - converted };
  } finally {
    closeSync(fd);
  }
}

function writeAt(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, bytes.byteLength - done, offset + done);
  }
}

function writeText(path: string, text: string): void {
  const fd = openSync(path, 'w');
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

async function copyCompanions(from: string, dir: string): Promise<void> {
  const names = readdirSync(from).filter(
    (name) => !name.startsWith('.') && !STALE.includes(name) && !WEIGHTS.test(name),
  );
  refuseOutsideLinks(from, names);
  for (const name of names) {
    if (!statSync(join(from, name), { throwIfNoEntry: false })?.isFile()) continue;
    const target = join(dir, name);
    await copyFile(join(from, name), target);
    const fd = openSync(target, 'r');
    fsyncSync(fd);
    closeSync(fd);
  }
}

/** The index, then what makes servers read it all. */
function writeConfigs(plan: ConversionPlan, dir: string): void {
  if (plan.files.length > 1) writeJsonAtomic(join(dir, INDEX_FILE), indexOf(plan));
  if (plan.quantizeConfig !== null) {
    writeJsonAtomic(join(dir, 'quantize_config.json'), plan.quantizeConfig);
  }
  writeJsonAtomic(join(dir, 'config.json'), plan.config);
}

const INDEX_FILE = 'model.safetensors.index.json';

function indexOf(plan: ConversionPlan) {
  const entries = plan.files.flatMap(({ name, steps }) =>
    steps.flatMap(({ outputs }) => outputs).map((output) => [output.name, name] as const),
  );
  const total = plan.files
    .flatMap(({ steps }) => steps.flatMap(({ outputs }) => outputs))
    .reduce((sum, output) => sum + bytesOfTensor(output), 0);
  return { metadata: { total_size: total }, weight_map: Object.fromEntries(entries.sort()) };
}
