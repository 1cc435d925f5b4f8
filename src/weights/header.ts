/**
 * The safetensors header: u64 little-endian length N, then N bytes of JSON. A header comes from a
 * stranger, so every count, length and offset in it is bounded, and the size of the file (which
 * cannot lie) refutes whatever does not fit. Format: https://github.com/huggingface/safetensors
 */
import { FormatError, LimitError } from '../record/errors.ts';
import { DTYPE_BYTES } from './dtype.ts';
import { findDuplicateKey, sizeOfJson } from './json-strictness.ts';
import type { Dtype } from './source.ts';

/** The bound of the reference implementation: a larger header is an attack, not a model. */
export const MAX_HEADER_BYTES = 100_000_000;

/** {"tensor": {"shape": [ … */
const MAX_DEPTH = 3;
/**
 * Members of the header in all: a tensor has six or more (itself, three fields, sizes, offsets).
 * The largest checkpoints have 100,000 tensors in all their files together; parsing 100 MB of
 * members of five bytes would take gigabytes, and the process would die instead of saying why.
 */
const MAX_MEMBERS = 8_000_000;
/** No tensor of a model comes near; messages print shapes. */
const MAX_DIMENSIONS = 32;

const LFS_POINTER = 'version https://git-lfs.github.com/spec/v1';

export interface HeaderTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Absolute offset in the file. */
  readonly offset: number;
}

export interface Header {
  readonly tensors: readonly HeaderTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

export interface HeaderContext {
  readonly fileBytes: number;
  readonly path: string;
}

interface Complaint {
  readonly path: string;
  readonly offset: number;
  readonly expected: unknown;
  readonly got: unknown;
  readonly hint?: string;
}

const DAMAGED = 'the file is damaged or is not a safetensors file; download or write it again';

function broken(message: string, { hint = DAMAGED, ...details }: Complaint): FormatError {
  return new FormatError(`${details.path}: ${message}`, { hint, details });
}

/** True for the small text file that stands for a file not yet fetched from Git LFS. */
export function isLfsPointer(start: Uint8Array): boolean {
  const text = new TextDecoder('latin1').decode(start.subarray(0, LFS_POINTER.length));
  return text === LFS_POINTER;
}

/**
 * N, from the first bytes of the file (8 are enough; with 64 a Git LFS pointer is recognised).
 * @throws FormatError
 */
export function headerLength(start: Uint8Array, { fileBytes, path }: HeaderContext): number {
  if (isLfsPointer(start)) {
    throw broken('this is a Git LFS pointer, not the file it points to', {
      path,
      offset: 0,
      expected: 'safetensors',
      got: 'a Git LFS pointer',
      hint: 'run `git lfs pull` in the repository of the model',
    });
  }
  if (start.length < 8 || fileBytes < 8) {
    const got = Math.min(start.length, fileBytes);
    throw broken(`${got} bytes are too few for a safetensors file`, {
      path,
      offset: 0,
      expected: 'at least 8 bytes',
      got,
    });
  }
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw broken(`the header claims ${length} bytes, more than the bound of ${MAX_HEADER_BYTES}`, {
      path,
      offset: 0,
      expected: `at most ${MAX_HEADER_BYTES}`,
      got: length.toString(),
    });
  }
  if (8 + Number(length) > fileBytes) {
    const missing = 8 + Number(length) - fileBytes;
    throw broken(
      `the header claims ${length} bytes; the file ends ${missing} bytes short of that`,
      {
        path,
        offset: 0,
        expected: `at least ${8 + Number(length)} bytes`,
        got: fileBytes,
      },
    );
  }
  return Number(length);
}

/**
 * @param bytes the file's first 8 + N bytes, or more
 * @returns tensors in file order
 * @throws FormatError with path, offset, expected, got; LimitError for more than MAX_MEMBERS
 */
export function parseHeader(bytes: Uint8Array, context: HeaderContext): Header {
  const length = headerLength(bytes, context);
  const { path } = context;
  const json = bytes.subarray(8, 8 + length);
  if (json[0] !== 0x7b) {
    const got = json.length === 0 ? 'nothing' : `byte 0x${json[0]!.toString(16)}`;
    throw broken('the header does not start with "{"', { path, offset: 8, expected: '{', got });
  }
  const entries = Object.entries(parseJson(json, path));
  const metadata = parseMetadata(entries.find(([name]) => name === '__metadata__')?.[1], path);
  const data = 8 + length;
  const tensors = entries
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => parseTensor(name, entry, { path, data }))
    .sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  checkLayout(tensors, { ...context, data });
  return { tensors, metadata };
}

function parseJson(json: Uint8Array, path: string): Record<string, unknown> {
  const { depth, commas } = sizeOfJson(json);
  if (commas >= MAX_MEMBERS) {
    throw new LimitError(`${path}: the header has more than ${MAX_MEMBERS} members`, {
      hint: 'no model has so many tensors in one file; the file is damaged or an attack',
      details: { path, offset: 8, expected: `at most ${MAX_MEMBERS}`, got: commas + 1 },
    });
  }
  if (depth > MAX_DEPTH) {
    throw broken(`the header nests deeper than ${MAX_DEPTH} levels`, {
      path,
      offset: 8,
      expected: `at most ${MAX_DEPTH} levels`,
      got: 'more',
    });
  }
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    parsed = JSON.parse(text);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw broken('the header is not JSON in UTF-8', { path, offset: 8, expected: 'JSON', got });
  }
  // JSON.parse keeps the last of two equal keys, other readers the first: two readers would then
  // see two different models in one file.
  const twice = findDuplicateKey(text);
  if (twice !== null) {
    const { key, at } = twice;
    const offset = 8 + Buffer.byteLength(text.slice(0, at));
    throw broken(`the header has the key "${clip(key)}" twice`, {
      path,
      offset,
      expected: 'unique keys',
      got: clip(key),
    });
  }
  return parsed as Record<string, unknown>;
}

function parseMetadata(entry: unknown, path: string): Record<string, string> {
  if (entry === undefined) return {};
  const values = isRecord(entry) ? Object.values(entry) : [null];
  if (!values.every((value) => typeof value === 'string')) {
    throw broken('__metadata__ is not a map from string to string', {
      path,
      offset: 8,
      expected: 'strings',
      got: typeof entry,
    });
  }
  return entry as Record<string, string>;
}

/** Text of a stranger's choosing in a message: a name may be a hundred megabytes long. */
function clip(value: unknown): string {
  const text = typeof value === 'string' ? value : String(JSON.stringify(value));
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseTensor(
  name: string,
  entry: unknown,
  { path, data }: { path: string; data: number },
): HeaderTensor {
  const wrong = (what: string, expected: unknown, got: unknown) =>
    broken(`tensor "${clip(name)}": ${what}`, { path, offset: 8, expected, got: clip(got) });
  if (!isRecord(entry)) throw wrong('not an object', 'dtype, shape, data_offsets', typeof entry);
  const { dtype, shape, data_offsets: span } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw wrong(`unknown dtype ${clip(dtype)}`, Object.keys(DTYPE_BYTES), dtype);
  }
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS || !shape.every(isCount)) {
    const expected = `at most ${MAX_DIMENSIONS} non-negative integers`;
    throw wrong('shape is not a list of counts', expected, shape);
  }
  if (!Array.isArray(span) || span.length !== 2 || !span.every(isCount) || span[0] > span[1]) {
    throw wrong('data_offsets are not [begin, end]', 'begin ≤ end', span);
  }
  const [begin, end] = span as [number, number];
  // Every partial product is checked: 2³²·2³²·0 must not pass as an empty tensor.
  let bytes = DTYPE_BYTES[dtype as Dtype];
  for (const size of shape as number[]) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) throw wrong('shape overflows', 'a size below 2^53', shape);
  }
  if (bytes !== end - begin) {
    throw wrong(
      `${dtype} [${shape.join(', ')}] takes ${bytes} bytes, data_offsets span ${end - begin}`,
      bytes,
      end - begin,
    );
  }
  if (!Number.isSafeInteger(data + end)) throw wrong('offset overflows', 'below 2^53', end);
  return { name, dtype: dtype as Dtype, shape: shape as number[], bytes, offset: data + begin };
}

/** Tensors in order of offset must cover the file from the header to its end, each byte once. */
function checkLayout(
  tensors: readonly HeaderTensor[],
  { fileBytes, path, data }: HeaderContext & { data: number },
): void {
  let next = data;
  for (const { name, offset, bytes } of tensors) {
    if (offset !== next) {
      const what =
        offset > next ? `a hole of ${offset - next} bytes before it` : 'overlaps another';
      throw broken(`tensor "${clip(name)}": ${what}`, {
        path,
        offset,
        expected: next,
        got: offset,
      });
    }
    next = offset + bytes;
  }
  if (next > fileBytes) {
    throw broken(`the file is cut off: ${next - fileBytes} of ${next} bytes are missing`, {
      path,
      offset: fileBytes,
      expected: next,
      got: fileBytes,
      hint: 'the download or copy stopped early; fetch the file again',
    });
  }
  if (next < fileBytes) {
    throw broken(`${fileBytes - next} bytes follow the last tensor`, {
      path,
      offset: next,
      expected: next,
      got: fileBytes,
    });
  }
}
