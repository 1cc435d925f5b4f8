/**
 * Carries out a plan. Everything is written into `OUT.partial`, flushed, verified, and only then
 * gets its name: under OUT there is a whole and checked model, or nothing. A file of weights is
 * `NAME.partial` until it is flushed and verified; a conversion that is killed leaves those that
 * were, and the same conversion goes on behind them. Memory holds a few bands, whatever the size
 * of a tensor.
 */
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeJsonAtomic } from '../../record/atomic.ts';
import { sha256Hex } from '../../record/canonical.ts';
import { Cancelled } from '../../record/errors.ts';
import { storageError } from '../../record/storage-error.ts';
import { refuseOutsideLinks } from '../outside-link.ts';
import { bytesOfTensor, type ConversionPlan, type OutputFile } from './conversion-plan.ts';
import type { Crew } from './crew.ts';
import {
  type Destination,
  discard,
  openPartial,
  refuseDestination,
  sizeOf,
} from './destination.ts';
import { type Absmaxima, absmaximaOf, workThrough } from './shard-work.ts';
import { differs } from './task.ts';
import { flush } from './write-flushed.ts';

export interface WrittenFile {
  readonly path: string;
  /** null: not hashed. */
  readonly sha256: string | null;
}

/** Flush, verification and hashing of a file run at the same time, each from the same moment. */
export interface ConversionTimes {
  readonly convertMs: number;
  readonly fsyncMs: number;
  /** null: left out. */
  readonly verifyMs: number | null;
  readonly hashMs: number | null;
  /** From the end of a conversion until all three have ended, and the whole was opened. */
  readonly finishMs: number;
}

export interface Written {
  /** The directory while it has no name: `OUT.partial`. */
  readonly dir: string;
  readonly files: readonly WrittenFile[];
  /** Files of weights that an interrupted conversion had finished. */
  readonly resumed: readonly string[];
  readonly absmaxima: Absmaxima;
  readonly times: ConversionTimes;
}

export interface WriteOptions {
  readonly crew: Crew;
  readonly verify: boolean;
  readonly hash: boolean;
  readonly onTensor?: (file: string, tensor: string) => void;
}

/** config, index and quantize_config are written anew; the rest of these would be stale. */
const STALE = ['config.json', 'quantize_config.json', 'quant_config.json', 'recipe.yaml'];
const WEIGHTS = /\.(safetensors|bin|pth?|gguf|onnx|index\.json)$/;

/**
 * @throws LimitError or StorageError when the disk does not take it, FormatError for a scale or
 * weight that cannot be, GateFailed for bytes that are not what was meant: nothing is left then.
 * Cancelled: what is whole is left, for the same conversion to go on.
 */
export async function writeCheckpoint(
  plan: ConversionPlan,
  to: Destination,
  options: WriteOptions,
): Promise<Written> {
  refuseDestination(to, plan.fileBytes);
  const dir = openPartial(plan, to);
  try {
    const times = { convertMs: 0, fsyncMs: 0, verifyMs: 0, hashMs: 0, finishMs: 0 };
    const files: WrittenFile[] = [];
    const resumed: string[] = [];
    const absmaxima = new Map<string, number>();
    for (const file of plan.files) {
      const shard = await writeShard(file, { ...options, dir });
      if (shard.resumed) resumed.push(file.name);
      for (const key of Object.keys(times) as (keyof typeof times)[])
        times[key] += shard.times[key];
      for (const [name, absmax] of shard.absmaxima) absmaxima.set(name, absmax);
      files.push({ path: file.name, sha256: shard.sha256 });
    }
    const others = [...(await copyCompanions(to.from, dir)), ...writeConfigs(plan, dir)];
    for (const path of others) {
      files.push({ path, sha256: options.hash ? sha256Hex(readFileSync(join(dir, path))) : null });
    }
    syncDirectory(dir);
    const { verifyMs, hashMs, ...rest } = times;
    const kept = {
      verifyMs: options.verify ? verifyMs : null,
      hashMs: options.hash ? hashMs : null,
    };
    return { dir, files, resumed, absmaxima, times: { ...rest, ...kept } };
  } catch (error) {
    if (!(error instanceof Cancelled)) discard(dir);
    const { errno } = error as NodeJS.ErrnoException;
    throw errno === undefined ? error : storageError({ doing: 'write', path: dir, cause: error });
  }
}

interface ShardOptions extends WriteOptions {
  readonly dir: string;
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const started = performance.now();
  const result = await work;
  return { result, ms: performance.now() - started };
}

const skipped = { result: null, ms: 0 };

async function writeShard(file: OutputFile, options: ShardOptions) {
  const { crew, dir, verify, hash, onTensor } = options;
  const final = join(dir, file.name);
  const resumed = sizeOf(dir, file.name) !== null;
  const path = resumed ? final : `${final}.partial`;
  const tensor = onTensor === undefined ? {} : { onTensor: onTensor.bind(null, file.name) };
  const started = performance.now();
  const absmaxima = await absmaximaOf(file, crew);
  if (!resumed) {
    writeHeader(path, file);
    await workThrough(file, 'convert', { crew, absmaxima, path, ...tensor });
  }
  const converted = performance.now();
  // The hash comes first: it takes one worker to its end, while the others verify.
  const [hashed, verified, flushed] = await Promise.all([
    hash ? timed(crew.run({ kind: 'hash', path })) : skipped,
    verify ? timed(verifyFile(file, { crew, absmaxima, path })) : skipped,
    resumed ? skipped : timed(flushAside(path)),
  ]);
  if (!resumed) {
    renameSync(path, final);
    syncDirectory(dir);
  }
  const times = {
    ...{ convertMs: converted - started, fsyncMs: flushed.ms, verifyMs: verified.ms },
    ...{ hashMs: hashed.ms, finishMs: performance.now() - converted },
  };
  const sha256 = hashed.result === null ? null : String(hashed.result);
  return { resumed, absmaxima, sha256, times };
}

/** The file at its whole length, so that workers write anywhere in it. */
function writeHeader(path: string, { layout }: OutputFile): void {
  const fd = openSync(path, 'w');
  try {
    ftruncateSync(fd, layout.fileBytes);
    writeSync(fd, layout.header, 0, layout.header.length, 0);
  } finally {
    closeSync(fd);
  }
}

/** Waits in a thread of its own. */
async function flushAside(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Every byte of a file of weights. @throws GateFailed that names the first difference */
export async function verifyFile(
  file: OutputFile,
  { crew, absmaxima, path }: { crew: Crew; absmaxima: Absmaxima; path: string },
): Promise<void> {
  const { header, fileBytes } = file.layout;
  const { size } = statSync(path);
  if (size !== fileBytes) throw differs({ path, offset: size, expected: fileBytes, got: size });
  const stored = Buffer.alloc(header.length);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, stored, 0, stored.length, 0);
  } finally {
    closeSync(fd);
  }
  const offset = header.findIndex((byte, i) => byte !== stored[i]);
  if (offset >= 0) {
    throw differs({ path, offset, expected: header[offset], got: stored[offset] });
  }
  await workThrough(file, 'verify', { crew, absmaxima, path });
}

async function copyCompanions(from: string, dir: string): Promise<string[]> {
  const names = readdirSync(from).filter(
    (name) => !name.startsWith('.') && !STALE.includes(name) && !WEIGHTS.test(name),
  );
  refuseOutsideLinks(from, names);
  const files = names.filter((name) =>
    statSync(join(from, name), { throwIfNoEntry: false })?.isFile(),
  );
  for (const name of files) {
    await copyFile(join(from, name), join(dir, name));
    flush(join(dir, name));
  }
  return files;
}

/** The index, then what makes servers read it all. @returns the names */
function writeConfigs(plan: ConversionPlan, dir: string): string[] {
  const names: string[] = [];
  const write = (name: string, value: unknown): void => {
    writeJsonAtomic(join(dir, name), value);
    names.push(name);
  };
  if (plan.files.length > 1) write('model.safetensors.index.json', indexOf(plan));
  if (plan.quantizeConfig !== null) write('quantize_config.json', plan.quantizeConfig);
  write('config.json', plan.config);
  return names;
}

function indexOf(plan: ConversionPlan) {
  const entries = plan.files.flatMap(({ name, steps }) =>
    steps.flatMap(({ outputs }) => outputs).map((output) => [output.name, name] as const),
  );
  const total = plan.files
    .flatMap(({ steps }) => steps.flatMap(({ outputs }) => outputs))
    .reduce((sum, output) => sum + bytesOfTensor(output), 0);
  return { metadata: { total_size: total }, weight_map: Object.fromEntries(entries.sort()) };
}
