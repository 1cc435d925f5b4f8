/**
 * A checkpoint opened to be looked at, not to be run: a directory or a single file, quantized or
 * not, of any architecture. Of config.json nothing is needed but `quantization_config`.
 */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FormatError } from '../record/errors.ts';
import { openWeights, readJson } from './checkpoint.ts';
import { isFloat } from './dtype.ts';
import { decodeRows } from './formats/decode.ts';
import { type ResolvedCheckpoint, resolveCheckpoint } from './formats/resolve.ts';
import type { ReadAt, StoredTensor } from './formats/stored-tensor.ts';
import { refuseOutsideLinks } from './outside-link.ts';
import { FileReader } from './read-at.ts';
import { openSafetensors } from './safetensors.ts';
import type { TensorSource } from './source.ts';

export interface LookedAt extends ResolvedCheckpoint {
  readonly path: string;
  /** null: there is none. */
  readonly config: Readonly<Record<string, unknown>> | null;
  readonly source: TensorSource;
  /** Of the directory, or the one file: config, index and weights. */
  readonly files: readonly string[];
  readonly readAt: ReadAt;
  /** Fills bytes that are there already. */
  readonly readInto: FileReader['readInto'];
  close(): void;
}

/** @throws FormatError that names the file; what is wrong with single tensors is in `problems` */
export function lookAt(path: string): LookedAt {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new FormatError(`${path}: no such file or directory`, {
      hint: 'name a directory with *.safetensors, or one such file',
      details: { path },
    });
  }
  const opened = stat.isDirectory() ? openDirectory(path) : openFile(path);
  const reader = new FileReader();
  const { source } = opened;
  const close = (): void => {
    reader.close();
    source.close();
  };
  try {
    const { readAt } = reader;
    const config = opened.config ?? {};
    return {
      path,
      ...opened,
      ...resolveCheckpoint({ config, source, path, readAt }),
      readAt,
      readInto: (place, bytes) => reader.readInto(place, bytes),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function readConfig(dir: string): LookedAt['config'] {
  refuseOutsideLinks(dir, ['config.json']);
  const path = join(dir, 'config.json');
  return existsSync(path) ? readJson(path) : null;
}

function openDirectory(dir: string): Pick<LookedAt, 'config' | 'source' | 'files'> {
  const config = readConfig(dir);
  const { source, weightFiles } = openWeights(dir);
  return { config, source, files: [...(config === null ? [] : ['config.json']), ...weightFiles] };
}

/** Of a quantized model, a file means nothing without the config beside it. */
function openFile(path: string): Pick<LookedAt, 'config' | 'source' | 'files'> {
  const config = readConfig(dirname(path));
  return { config, source: openSafetensors(path), files: [path] };
}

/** Values that are held at once, unless a single row of a quantized matrix has more. */
const PIECE = 2 ** 20;

/** True for a tensor that stands for real numbers: not for positions, masks and lookup tables. */
export function holdsNumbers(tensor: StoredTensor): boolean {
  return tensor.kind !== 'plain' || isFloat(tensor.codes.dtype);
}

/**
 * The values in row-major order, piece by piece.
 * @param cut `rows`: whole rows, as many for a plain tensor as for a quantized one of its shape
 * @throws FormatError for scales that are NaN, infinite, negative or zero
 */
export function* storedValues(
  tensor: StoredTensor,
  readAt: ReadAt,
  cut: 'anywhere' | 'rows' = 'anywhere',
): Generator<Float32Array> {
  const elements = tensor.shape.reduce((product, size) => product * size, 1);
  if (elements === 0) return;
  // The only row of a plain vector may be larger than memory.
  const flatten = tensor.kind === 'plain' && cut === 'anywhere';
  const cols = flatten ? 1 : (tensor.shape.at(-1) ?? 1);
  const flat: StoredTensor = flatten ? { ...tensor, shape: [elements, 1] } : tensor;
  const rows = elements / cols;
  const step = Math.max(1, Math.floor(PIECE / cols));
  for (let from = 0; from < rows; from += step) {
    yield decodeRows(flat, { from, to: Math.min(from + step, rows) }, readAt);
  }
}
