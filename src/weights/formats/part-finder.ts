/** Looks up the tensors of a matrix, remembers which are taken, and says what does not fit. */
import { FormatError } from '../../record/errors.ts';
import type { Dtype, TensorSource } from '../source.ts';
import type { Part, ReadAt } from './stored-tensor.ts';

interface Expected {
  readonly dtypes?: readonly Dtype[];
  readonly shape?: readonly number[];
  /** What the part is, for messages: `scales of a [300, 520] matrix in blocks of 128×128`. */
  readonly what: string;
}

export class PartFinder {
  readonly readAt: ReadAt;
  readonly #source: TensorSource;
  readonly #claimed = new Set<string>();

  constructor(source: TensorSource, readAt: ReadAt) {
    this.#source = source;
    this.readAt = readAt;
  }

  has(name: string): boolean {
    return this.#source.has(name);
  }

  claim(name: string): void {
    this.#claimed.add(name);
  }

  isClaimed(name: string): boolean {
    return this.#claimed.has(name);
  }

  /** @throws TypeError for a generated tensor, which is in no file */
  part(name: string): Part {
    const info = this.#source.info(name);
    if (info.location === null) throw new TypeError(`${name} is in no file`);
    return { ...info, location: info.location };
  }

  optional(name: string, expected: Expected): Part | null {
    if (!this.#source.has(name)) return null;
    const part = this.part(name);
    this.claim(name);
    const { dtypes, shape, what } = expected;
    if (dtypes !== undefined && !dtypes.includes(part.dtype)) {
      throw this.wrong(name, `${what} is ${part.dtype}`, dtypes, part.dtype);
    }
    if (shape !== undefined && !equal(part.shape, shape)) {
      const got = `[${part.shape.join(', ')}]`;
      const wanted = `[${shape.join(', ')}]`;
      throw this.wrong(name, `${what} has shape ${got}, must have ${wanted}`, shape, part.shape);
    }
    return part;
  }

  required(name: string, expected: Expected & { readonly of: string }): Part {
    const part = this.optional(name, expected);
    if (part !== null) return part;
    throw new FormatError(`tensor "${expected.of}" has no ${expected.what}: "${name}" is missing`, {
      hint: 'codes mean nothing without it; download the whole model',
      details: { tensor: expected.of, expected: name, got: null },
    });
  }

  wrong(tensor: string, message: string, expected: unknown, got: unknown): FormatError {
    const { location } = this.part(tensor);
    return new FormatError(`${location.file}: tensor "${tensor}": ${message}`, {
      hint: 'the tensors do not fit each other or config.json; it may be of another model',
      details: { path: location.file, offset: location.offset, tensor, expected, got },
    });
  }
}

/** The float dtypes that scales are stored in. */
export const SCALE_DTYPES: readonly Dtype[] = ['F32', 'BF16', 'F16', 'F64'];

export function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
