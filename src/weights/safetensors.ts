/** A safetensors file as a source of tensors: its header is read at once, tensors on demand. */
import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { FormatError, LimitError } from '../record/errors.ts';
import { type Header, headerLength, parseHeader } from './header.ts';
import type { TensorInfo, TensorSource } from './source.ts';

/** One read call takes at most 2³¹ − 1 bytes. */
const READ_BYTES = 2 ** 30;
/** Enough for the length and for recognising a Git LFS pointer. */
const START_BYTES = 64;

export interface SafetensorsFile extends TensorSource {
  /** Real path: symlinks (a hub cache is made of them) are resolved. */
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens a file and checks its whole header; keeps the file open until `close`.
 * @throws FormatError if it is missing, cut off, or not well-formed
 */
export function openSafetensors(path: string): SafetensorsFile {
  let file: string;
  let fd: number;
  try {
    file = realpathSync(path);
    fd = openSync(file, 'r');
  } catch (cause) {
    throw new FormatError(`${path}: cannot be opened (${codeOf(cause)})`, {
      hint: 'check that the file exists and may be read',
      details: { path },
      cause,
    });
  }
  try {
    return new OpenFile(file, fd, readHeader(fd, file));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}

function readHeader(fd: number, path: string): Header {
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    throw new FormatError(`${path}: not a regular file`, { details: { path } });
  }
  const context = { fileBytes: stat.size, path };
  const start = readAt(fd, { path, offset: 0, length: Math.min(START_BYTES, stat.size) });
  const length = 8 + headerLength(start, context);
  return parseHeader(readAt(fd, { path, offset: 0, length }), context);
}

function readAt(
  fd: number,
  { path, offset, length }: { path: string; offset: number; length: number },
): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(length);
  } catch (cause) {
    throw new LimitError(`${path}: no memory for ${length} bytes at offset ${offset}`, {
      hint: 'a single tensor must fit into memory',
      details: { path, offset, length },
      cause,
    });
  }
  for (let done = 0; done < length; ) {
    const got = readSync(fd, bytes, done, Math.min(READ_BYTES, length - done), offset + done);
    if (got === 0) {
      throw new FormatError(`${path}: ended at offset ${offset + done} while it was being read`, {
        hint: 'the file changed after it was opened; let its writer finish, then try again',
        details: { path, offset: offset + done, expected: length, got: done },
      });
    }
    done += got;
  }
  return bytes;
}

class OpenFile implements SafetensorsFile {
  readonly path: string;
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly #infos: ReadonlyMap<string, TensorInfo & { readonly offset: number }>;
  #fd: number | null;

  constructor(path: string, fd: number, header: Header) {
    this.path = path;
    this.#fd = fd;
    this.metadata = header.metadata;
    this.names = header.tensors.map(({ name }) => name);
    this.#infos = new Map(
      header.tensors.map((tensor) => [
        tensor.name,
        { ...tensor, location: { file: path, offset: tensor.offset } },
      ]),
    );
  }

  has(name: string): boolean {
    return this.#infos.has(name);
  }

  info(name: string): TensorInfo {
    return this.#find(name);
  }

  #find(name: string): TensorInfo & { readonly offset: number } {
    const found = this.#infos.get(name);
    if (found === undefined) {
      throw new FormatError(`${this.path}: no tensor "${name}"`, {
        hint: 'the checkpoint is not of the architecture that its config.json names',
        details: { path: this.path, expected: name },
      });
    }
    return found;
  }

  read(name: string): Uint8Array {
    const { offset, bytes } = this.#find(name);
    if (this.#fd === null) throw new TypeError(`${this.path} is closed`);
    return readAt(this.#fd, { path: this.path, offset, length: bytes });
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
