/** A trace as Parquet: a tenth of the bytes of JSON lines, and read without parsing any text. */
import { renameSync, rmSync } from 'node:fs';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import type { RouteBlock } from '../analyze/routing/route-block.ts';
import { PHASES } from '../analyze/routing/route-block.ts';
import { storageError } from '../record/storage-error.ts';
import { readTrace } from './read-trace.ts';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

const GROUP_ROWS = 65_536;

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
 * as JSON under the key `meta` of the file's metadata. Row groups have some 65,536 rows: each costs
 * its reader pages that are opened one by one. A trace with problems loses the rows that cannot be
 * read; how many is returned.
 */
export async function writeParquet(
  from: string,
  to: string,
): Promise<{ rows: number; problems: number }> {
  const part = `${to}.part`;
  try {
    const writer = fileWriter(part);
    let parquet: ParquetWriter | null = null;
    const held = emptyColumns();
    const flush = (): void => {
      const rows = held.req_id.length;
      if (rows === 0) return;
      const columnData = Object.entries(held).map(([name, data]) => ({
        name,
        data: data.splice(0),
      }));
      parquet?.write({ columnData, rowGroupSize: rows });
    };
    const read = await readTrace(from, ({ header }) => {
      const kvMetadata = header ? [{ key: 'meta', value: JSON.stringify(header.value) }] : [];
      parquet = new ParquetWriter({ writer, schema: SCHEMA, kvMetadata, createdBy: 'assay' });
      const names: string[] = [];
      return (block, seen) => {
        names.push(...seen.slice(names.length));
        hold(held, block, names);
        if (held.req_id.length >= GROUP_ROWS) flush();
      };
    });
    flush();
    (parquet as ParquetWriter | null)?.finish();
    renameSync(part, to);
    return { rows: read.rows, problems: read.problems.total };
  } catch (cause) {
    rmSync(part, { force: true });
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw storageError({ doing: 'write', path: to, cause });
  }
}

type Columns = Record<
  'req_id' | 'token_idx' | 'layer' | 'phase' | 'topk_ids' | 'topk_weights',
  unknown[]
>;

function emptyColumns(): Columns {
  return { req_id: [], token_idx: [], layer: [], phase: [], topk_ids: [], topk_weights: [] };
}

function hold(into: Columns, block: RouteBlock, names: readonly string[]): void {
  const { rows, topK, request, token, layer, phase, ids, weights } = block;
  for (let row = 0; row < rows; row++) {
    into.req_id.push(names[request[row] as number]);
    into.token_idx.push(token[row]);
    into.layer.push(layer[row]);
    into.phase.push(PHASES[phase[row] as number]);
    into.topk_ids.push([...ids.subarray(row * topK, (row + 1) * topK)]);
    into.topk_weights.push([...weights.subarray(row * topK, (row + 1) * topK)]);
  }
}
