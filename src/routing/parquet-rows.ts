/** Rows of Parquet as objects: of every kind of column, and slow. */
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetReadObjects,
} from 'hyparquet';
import { FormatError } from '../record/errors.ts';
import { COMPRESSORS } from './parquet-compression.ts';

export class RowReader {
  readonly #path: string;
  readonly #metadata: FileMetaData;
  readonly #columns: string[];
  #file: AsyncBuffer | null = null;

  constructor(path: string, of: { metadata: FileMetaData; columns: readonly string[] }) {
    this.#path = path;
    this.#metadata = of.metadata;
    this.#columns = [...of.columns];
  }

  /** From `start` to before `end`. Throws FormatError. */
  async rows(start: number, end: number): Promise<Record<string, unknown>[]> {
    try {
      this.#file ??= await asyncBufferFromFile(this.#path);
      const of = { file: this.#file, metadata: this.#metadata, columns: this.#columns };
      const options = { ...of, compressors: COMPRESSORS, rowStart: start, rowEnd: end };
      return (await parquetReadObjects(options)).map(plainRow);
    } catch (cause) {
      const told = (cause as Error).message;
      throw new FormatError(`${this.#path}: rows ${start + 1} to ${end} cannot be read: ${told}`, {
        cause,
      });
    }
  }
}

/** 64-bit integers as numbers; absent values away. */
function plainRow(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return Number(value);
    if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
    return Array.isArray(value) ? value.map(plain) : value;
  };
  const entries = Object.entries(row).filter(([, value]) => value != null);
  return Object.fromEntries(entries.map(([name, value]) => [name, plain(value)]));
}
