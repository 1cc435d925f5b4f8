/** A trace as Parquet: a tenth of the bytes of JSON lines, and read without parsing any text. */
import { renameSync, rmSync } from 'node:fs';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import type { RouteBlock } from '../analyze/routing/route-block.ts';
import { PHASES } from '../analyze/routing/route-block.ts';
import { storageError } from '../record/storage-error.ts';
import { readTrace } from './read-trace.ts';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

const REQUIRED = { repetition_type: 'REQUIRED' } as const;
const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;

function listOf(name: string, type: 'INT32' | 'FLOAT'): Schema {
  return [
    { name, ...REQUIRED, num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type, ...REQUIRED },
  ];
}

const SCHEMA: Schema = [
  { name: 'routes', num_children: 6 },
  { name: 'req_id', ...TEXT, ...REQUIRED },
  { name: 'token_idx', type: 'INT32', ...REQUIRED },
  { name: 'layer', type: 'INT32', ...REQUIRED },
  { name: 'phase', ...TEXT, ...REQUIRED },
  ...listOf('topk_ids', 'INT32'),
  ...listOf('topk_weights', 'FLOAT'),
];

/**
 * Writes the trace in `from` (of any kind that is read) to `to`: the columns of a route, the header
 * as JSON under the key `meta` of the file's metadata, a row group for every 16,384 rows. A trace
 * with problems loses the rows that cannot be read; how many is returned.
 */
export async function writeParquet(
  from: string,
  to: string,
): Promise<{ rows: number; problems: number }> {
  const part = `${to}.part`;
  try {
    const writer = fileWriter(part);
    let parquet: ParquetWriter | null = null;
    const read = await readTrace(from, ({ header }) => {
      const kvMetadata = header ? [{ key: 'meta', value: JSON.stringify(header.value) }] : [];
      parquet = new ParquetWriter({ writer, schema: SCHEMA, kvMetadata, createdBy: 'assay' });
      const names: string[] = [];
      return (block, seen) => {
        names.push(...seen.slice(names.length));
        parquet?.write({ columnData: columnData(block, names), rowGroupSize: block.rows });
      };
    });
    (parquet as ParquetWriter | null)?.finish();
    renameSync(part, to);
    return { rows: read.rows, problems: read.problems.total };
  } catch (cause) {
    rmSync(part, { force: true });
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw storageError({ doing: 'write', path: to, cause });
  }
}

function columnData(block: RouteBlock, names: readonly string[]) {
  const { rows, topK, token, layer, ids, weights } = block;
  const each = <T>(of: (row: number) => T): T[] =>
    Array.from({ length: rows }, (_, row) => of(row));
  const list = (values: Uint16Array | Float32Array) =>
    each((row) => [...values.subarray(row * topK, (row + 1) * topK)]);
  return [
    { name: 'req_id', data: each((row) => names[block.request[row] as number]) },
    { name: 'token_idx', data: each((row) => token[row]) },
    { name: 'layer', data: each((row) => layer[row]) },
    { name: 'phase', data: each((row) => PHASES[block.phase[row] as number]) },
    { name: 'topk_ids', data: list(ids) },
    { name: 'topk_weights', data: list(weights) },
  ];
}
