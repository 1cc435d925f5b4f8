/** The worker's side of samples.jsonl: whole lines, one write a batch, cut back when it fails. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { LimitError, StorageError } from './errors.ts';
import type { SampleRow } from './rows.ts';
import { encodeRow, MAX_LINE_BYTES } from './samples.ts';
import { storageError } from './storage-error.ts';

/** The one system call that a test of short writes has to replace. */
export type WriteCall = (file: number, bytes: Uint8Array, position: number) => number;

const NEWLINE = 0x0a;

export class SampleWriter {
  readonly path: string;
  readonly #file: number;
  readonly #write: WriteCall;
  #bytes: number;
  #rows = 0;

  /**
   * Opens or creates the file; a torn last line, which an earlier process left, is cut off.
   * Throws StorageError.
   */
  constructor(path: string, options: { write?: WriteCall } = {}) {
    this.path = path;
    this.#write =
      options.write ?? ((file, bytes, at) => writeSync(file, bytes, 0, bytes.length, at));
    try {
      this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o666);
    } catch (cause) {
      throw storageError({ doing: 'create', path, cause });
    }
    const size = fstatSync(this.#file).size;
    this.#bytes = endOfLastLine(this.#file, size);
    if (this.#bytes < size) ftruncateSync(this.#file, this.#bytes);
  }

  /** Rows that this writer appended. */
  get rows(): number {
    return this.#rows;
  }

  /** Size of the file: whole lines only. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends the rows of one batch in one write. When it returns, the rows survive the death of this
   * process; call `sync` for those that must survive power loss. All or nothing: after a failed or
   * short write the file is cut back to where it was, and StorageError is thrown.
   */
  append(rows: readonly SampleRow[]): void {
    if (rows.length === 0) return;
    const lines = rows.map(encodeRow);
    const longest = lines.findIndex((line) => Buffer.byteLength(line) > MAX_LINE_BYTES);
    if (longest >= 0) {
      throw new LimitError(`${this.path}: a row of more than ${MAX_LINE_BYTES} bytes`, {
        hint: 'Score shorter windows (`--window`).',
        details: { path: this.path, kind: rows[longest]?.kind },
      });
    }
    const data = Buffer.from(lines.join(''));
    const written = this.#attempt(data);
    if (written < data.length) {
      this.#cutBack();
      throw new StorageError(
        `${this.path}: only ${written} of ${data.length} bytes were written; the batch was undone`,
        {
          hint: 'The disk or the quota is most likely full: free some space, and run it again.',
          details: { path: this.path, errno: 'short-write' },
        },
      );
    }
    this.#bytes += data.length;
    this.#rows += rows.length;
  }

  /** fsync: what was appended survives power loss. */
  sync(): void {
    try {
      fsyncSync(this.#file);
    } catch (cause) {
      throw storageError({ doing: 'write', path: this.path, cause });
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #attempt(data: Uint8Array): number {
    try {
      return this.#write(this.#file, data, this.#bytes);
    } catch (cause) {
      this.#cutBack();
      throw storageError({ doing: 'write', path: this.path, cause });
    }
  }

  #cutBack(): void {
    // If even this fails, the reader drops the torn line: the rows before it stay good.
    try {
      ftruncateSync(this.#file, this.#bytes);
    } catch {}
  }
}

/** Offset behind the last newline: 0 when there is none. */
function endOfLastLine(file: number, size: number): number {
  const piece = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - piece.length);
    const got = readSync(file, piece, 0, end - start, start);
    const at = piece.subarray(0, got).lastIndexOf(NEWLINE);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}
