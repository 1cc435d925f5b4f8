/**
 * One file of a hub into the cache's blobs: resumed where an earlier attempt stopped, and checked
 * against its hash before it gets its final name.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError, EngineError, FormatError, LimitError } from '../record/errors.ts';
import { hubFailure } from './hub-failure.ts';
import { claimPartial, releasePartial } from './hub-partial.ts';

export interface RemoteFile {
  readonly path: string;
  readonly url: string;
  readonly bytes: number;
  /** SHA-256 of the content for LFS files, else git's SHA-1 of the blob; names the blob. */
  readonly hash: string;
}

export interface TransferOptions {
  readonly blobs: string;
  /** Stops when the signal does. */
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal | undefined;
  /** Bytes of this file that are there now; falls back when an attempt starts over. */
  readonly onBytes: (bytes: number) => void;
  /** Waited before the k-th further attempt, times 2^k. */
  readonly retryDelayMs: number;
}

/** Attempts in a row that bring nothing new before we give up. */
const ATTEMPTS = 4;

/**
 * @returns the blob's path
 * @throws FormatError if the content has another hash or size than the hub said; EngineError if
 * the hub fails; nothing is ever left under the final name unless it is right
 */
export async function transfer(file: RemoteFile, options: TransferOptions): Promise<string> {
  const { blobs, signal } = options;
  await mkdir(blobs, { recursive: true });
  let partial = await claimPartial({ blobs, hash: file.hash });
  try {
    // What was left of an earlier attempt may itself be damaged: then once more from the start.
    const resumed = (await stat(partial)).size > 0;
    const right = await fill(file, partial, options);
    if (!right && resumed) await rm(partial, { force: true });
    if (!right && !(resumed && (await fill(file, partial, options)))) {
      await rm(partial, { force: true });
      throw wrongHash(file);
    }
    const blob = join(blobs, file.hash);
    await rename(partial, blob);
    partial = '';
    return blob;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new LimitError(`no space left for ${file.path} (${file.bytes} bytes) in ${blobs}`, {
        hint: 'free some space, or set HF_HUB_CACHE to a directory on a larger disk',
        details: { path: blobs, bytes: file.bytes },
        cause,
      });
    }
    signal?.throwIfAborted();
    throw cause;
  } finally {
    if (partial !== '') await releasePartial(partial, { blobs, hash: file.hash });
  }
}

function wrongHash({ path, url, hash }: RemoteFile): FormatError {
  return new FormatError(`${path}: what arrived does not have the hash that the hub announced`, {
    hint: 'try again; if it stays so, a proxy or the hub changes the file on its way',
    details: { path, url, expected: hash, got: 'another hash' },
  });
}

/** Brings the partial file to its full length. @returns whether its hash is the right one */
async function fill(file: RemoteFile, partial: string, options: TransferOptions): Promise<boolean> {
  let have = await sizeAtMost(partial, file.bytes);
  for (let fruitless = 0; have < file.bytes; ) {
    const before = have;
    let failure: unknown;
    try {
      await append(file, partial, { ...options, have });
    } catch (error) {
      if (options.signal?.aborted || !isRetryable(error)) throw error;
      failure = error;
    }
    have = await sizeAtMost(partial, file.bytes);
    if (have >= file.bytes) break;
    fruitless = have > before ? 0 : fruitless + 1;
    if (fruitless === ATTEMPTS) throw torn(file, { have, cause: failure });
    await pause(options.retryDelayMs * 2 ** fruitless, options.signal);
  }
  return (await hashOf(partial, file)) === file.hash;
}

function torn(
  { path, url, bytes }: RemoteFile,
  { have, cause }: { have: number; cause: unknown },
): AssayError {
  if (cause instanceof AssayError) return cause;
  return new EngineError(`${path}: the connection ended after ${have} of ${bytes} bytes`, {
    hint: 'run the command again: it goes on where it stopped',
    details: { url, retryable: true },
    cause,
  });
}

/** Everything that goes wrong below HTTP, and the statuses that pass. */
function isRetryable(error: unknown): boolean {
  if (error instanceof AssayError) return error.details.retryable === true;
  return (
    error instanceof TypeError || (error as NodeJS.ErrnoException).code?.startsWith('E') !== true
  );
}

/** A partial file that is too long belongs to nothing: it starts over. */
async function sizeAtMost(partial: string, bytes: number): Promise<number> {
  const size = await stat(partial).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= bytes) return size;
  await rm(partial, { force: true });
  return 0;
}

async function append(
  file: RemoteFile,
  partial: string,
  { have, fetch, onBytes, signal }: TransferOptions & { have: number },
): Promise<void> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (have > 0) headers.range = `bytes=${have}-`;
  const response = await fetch(file.url, { headers });
  const resumes = response.status === 206 && startsAt(response, have);
  if (!response.ok || response.body === null || (response.status === 206 && !resumes)) {
    await response.body?.cancel();
    if (response.status === 206 || response.status === 416) return rm(partial, { force: true });
    throw hubFailure(file.path, { url: file.url, status: response.status });
  }
  // 200 to a range request: the server sends the whole file.
  const output = await open(partial, resumes ? 'a' : 'w');
  try {
    await drain(response.body, output, { file, start: resumes ? have : 0, onBytes, signal });
  } finally {
    await output.close();
  }
}

function startsAt(response: Response, have: number): boolean {
  return response.headers.get('content-range')?.startsWith(`bytes ${have}-`) === true;
}

interface DrainTarget {
  readonly file: RemoteFile;
  readonly start: number;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

async function drain(
  body: ReadableStream<Uint8Array>,
  output: FileHandle,
  { file, start, onBytes, signal }: DrainTarget,
): Promise<void> {
  const reader = body.getReader();
  // fetch stops the body itself, but a stop after its last byte can leave a read without an end
  // (seen on Node 20); cancelling settles it.
  const stop = () => void reader.cancel().catch(() => {});
  signal?.addEventListener('abort', stop, { once: true });
  try {
    let at = start;
    onBytes(at);
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      at += next.value.byteLength;
      if (at > file.bytes) {
        stop();
        throw tooLong(file, at);
      }
      await output.writeFile(next.value);
      onBytes(at);
      signal?.throwIfAborted();
    }
    signal?.throwIfAborted();
    await output.sync();
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function tooLong({ path, url, bytes }: RemoteFile, got: number): FormatError {
  return new FormatError(`${path}: more than the announced ${bytes} bytes arrive`, {
    hint: 'try again; if it stays so, a proxy or the hub changes the file on its way',
    details: { path, url, expected: bytes, got },
  });
}

async function hashOf(path: string, { hash, bytes }: RemoteFile): Promise<string> {
  const digest = createHash(hash.length === 64 ? 'sha256' : 'sha1');
  if (hash.length === 40) digest.update(`blob ${bytes}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }))
    digest.update(chunk);
  return digest.digest('hex');
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
