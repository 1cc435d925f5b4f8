/** What a worker does with whole bands: everything that touches the bytes of tensors. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { GateFailed } from '../../record/errors.ts';
import { storageError } from '../../record/storage-error.ts';
import type { RowSpan } from '../formats/decode.ts';
import { KernelMemory } from '../kernels/kernels.ts';
import { plainKernels } from '../kernels/plain-kernels.ts';
import { wasmKernels } from '../kernels/wasm-kernels.ts';
import { FileReader } from '../read-at.ts';
import type { ConversionStep } from './conversion-plan.ts';
import { type Band, type BandContext, convertBand } from './convert-band.ts';
import { absmaxOfBand } from './quantize-band.ts';

export interface PlacedBand extends Band {
  /** Where the tensors that the step gives begin in the output file. */
  readonly offsets: Readonly<Record<string, number>>;
  /** Verified with the plain kernels: others than those that converted. */
  readonly plain: boolean;
}

export type Task =
  /** Writes the bands into a file that is there. */
  | { readonly kind: 'convert'; readonly path: string; readonly bands: readonly PlacedBand[] }
  /** Computes the bands again from the input, and compares them with the file. */
  | { readonly kind: 'verify'; readonly path: string; readonly bands: readonly PlacedBand[] }
  /** The largest magnitude of a band. */
  | { readonly kind: 'absmax'; readonly step: ConversionStep; readonly span: RowSpan }
  /** SHA-256 of a file. */
  | { readonly kind: 'hash'; readonly path: string };

/** A number for `absmax`, hex digits for `hash`. */
export type TaskResult = number | string | null;

const HASH_BYTES = 2 ** 20;

export class TaskRunner {
  readonly #reader = new FileReader();
  readonly #fast: BandContext;
  readonly #plain: BandContext;
  /** The file that is written or compared. */
  #output: { readonly path: string; readonly fd: number } | null = null;
  #stored = new Uint8Array(0);

  constructor() {
    const memory = new KernelMemory();
    const plain = plainKernels(memory);
    this.#plain = { kernels: plain, reader: this.#reader };
    this.#fast = { kernels: wasmKernels(memory) ?? plain, reader: this.#reader };
  }

  /** @throws FormatError, StorageError, GateFailed */
  run(task: Task): TaskResult {
    switch (task.kind) {
      case 'convert':
        for (const band of task.bands) this.#convert(task.path, band);
        return null;
      case 'verify':
        for (const band of task.bands) this.#verify(task.path, band);
        return null;
      case 'absmax':
        return absmaxOfBand(task.step, task.span, this.#fast);
      case 'hash':
        return hashOf(task.path);
    }
  }

  close(): void {
    this.#reader.close();
    if (this.#output !== null) closeSync(this.#output.fd);
    this.#output = null;
  }

  #descriptor(path: string): number {
    if (this.#output?.path === path) return this.#output.fd;
    if (this.#output !== null) closeSync(this.#output.fd);
    const fd = openSync(path, 'r+');
    this.#output = { path, fd };
    return fd;
  }

  #convert(path: string, { offsets, plain: _, ...band }: PlacedBand): void {
    for (const pieces of convertBand(band, this.#fast)) {
      try {
        const fd = this.#descriptor(path);
        for (const { tensor, offset, bytes } of pieces)
          writeAt(fd, bytes, offsets[tensor]! + offset);
      } catch (cause) {
        throw storageError({ doing: 'write', path, cause });
      }
    }
  }

  #verify(path: string, { offsets, plain, ...band }: PlacedBand): void {
    const fd = this.#descriptor(path);
    for (const pieces of convertBand(band, plain ? this.#plain : this.#fast)) {
      for (const { tensor, offset, bytes } of pieces) {
        const place = offsets[tensor]! + offset;
        if (this.#stored.length < bytes.length) this.#stored = new Uint8Array(bytes.length);
        const stored = this.#stored.subarray(0, readAll(fd, this.#stored, bytes.length, place));
        if (Buffer.compare(stored, bytes) === 0) continue;
        const at = bytes.findIndex((byte, i) => byte !== stored[i]);
        throw differs({ path, tensor, offset: place + at, expected: bytes[at], got: stored[at] });
      }
    }
  }
}

export function differs(details: {
  readonly path: string;
  readonly tensor?: string;
  readonly offset: number;
  readonly expected: unknown;
  readonly got: unknown;
}): GateFailed {
  const { path, tensor, offset } = details;
  const what = tensor === undefined ? 'the header' : `tensor "${tensor}"`;
  return new GateFailed(`${path}: ${what} is not what its source gives, at offset ${offset}`, {
    hint: 'the disk or another process changed it: check the disk, and convert again',
    details: { ...details },
  });
}

function writeAt(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, bytes.byteLength - done, offset + done);
  }
}

/** @returns how many bytes there were, at most `length` */
function readAll(fd: number, into: Uint8Array, length: number, offset: number): number {
  let done = 0;
  while (done < length) {
    const got = readSync(fd, into, done, length - done, offset + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

function hashOf(path: string): string {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(HASH_BYTES);
  const fd = openSync(path, 'r');
  try {
    for (let offset = 0; ; ) {
      const got = readSync(fd, buffer, 0, HASH_BYTES, offset);
      if (got === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, got));
      offset += got;
    }
  } catch (cause) {
    throw storageError({ doing: 'read', path, cause });
  } finally {
    closeSync(fd);
  }
}
