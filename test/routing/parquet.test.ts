import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatError } from '../../src/record/errors.ts';
import { analyzeTrace } from '../../src/routing/analyze-trace.ts';
import { validateTrace } from '../../src/routing/validate-trace.ts';
import { writeParquet } from '../../src/routing/write-parquet.ts';
import { metaLine, routeLines, type TraceShape, traceText } from '../support/route-lines.ts';

const SHAPE: TraceShape = {
  ...{ requests: 12, tokens: 400, layers: [0, 1, 2, 3, 4], experts: 60, topK: 4 },
  meta: { num_experts: 60 },
};

let dir = '';
const at = (name: string): string => join(dir, name);
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-parquet-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Row {
  req_id: string;
  token_idx: number;
  layer: number;
  topk_ids: number[];
  topk_weights: number[];
}
const ROWS: Row[] = routeLines(SHAPE).map((line) => JSON.parse(line));

interface Written {
  readonly rows?: readonly object[];
  readonly bigints?: boolean;
  readonly codec?: 'UNCOMPRESSED' | 'SNAPPY';
  readonly pageSize?: number;
  readonly without?: string;
}

type Schema = NonNullable<Parameters<typeof parquetWriteFile>[0]['schema']>;

/** Everything may be null, as pyarrow and DuckDB have it. */
function schemaOf(row: object, bigints: boolean): Schema {
  const integer = bigints ? 'INT64' : 'INT32';
  const nullable = { repetition_type: 'OPTIONAL' } as const;
  const typeOf = (value: unknown) => (Number.isInteger(value) ? integer : 'DOUBLE');
  const columns = Object.entries(row).flatMap(([name, value]): Schema => {
    if (typeof value === 'string') {
      return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', ...nullable }];
    }
    if (!Array.isArray(value)) return [{ name, type: typeOf(value), ...nullable }];
    const type = name === 'topk_weights' ? 'DOUBLE' : integer;
    return [
      { name, ...nullable, num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type, ...nullable },
    ];
  });
  return [{ name: 'schema', num_children: Object.keys(row).length }, ...columns];
}

/** As another program would: nullable columns, 64 bits, its own pages. */
function foreign(name: string, of: Written): string {
  const { rows = ROWS, bigints = false, codec, pageSize, without = '' } = of;
  const wide = (value: unknown, key: string): unknown => {
    if (!bigints || key === 'topk_weights') return value;
    if (Array.isArray(value)) return value.map(BigInt);
    return typeof value === 'number' ? BigInt(value) : value;
  };
  const { [without]: _, ...first } = Object.assign({}, ...rows.slice(0, 2));
  const columnData = Object.keys(first).map((key) => ({
    name: key,
    data: rows.map((row) => wide((row as Record<string, unknown>)[key], key)),
  }));
  parquetWriteFile({
    ...{ filename: at(name), columnData, rowGroupSize: 10_000, schema: schemaOf(first, bigints) },
    ...(codec ? { codec } : {}),
    ...(pageSize ? { pageSize } : {}),
    kvMetadata: [
      { key: 'pandas', value: '{"columns": []}' },
      { key: 'assay', value: metaLine(SHAPE) },
    ],
  });
  return at(name);
}

describe('Parquet', () => {
  it.each<[string, Partial<TraceShape>]>([
    ['as it is', {}],
    ['with phases', { phase: true }],
    ['of eight experts', { topK: 8 }],
  ])('says what the lines say that it was made of: %s', async (_, change) => {
    writeFileSync(at('a.jsonl'), traceText({ ...SHAPE, ...change }));
    const wrote = await writeParquet(at('a.jsonl'), at('a.parquet'));
    expect(wrote).toEqual({ rows: 24_000, problems: 0 });
    const [lines, columns] = [
      await analyzeTrace(at('a.jsonl')),
      await analyzeTrace(at('a.parquet')),
    ];
    expect(columns.layers).toEqual(lines.layers);
    expect(columns.read.header?.value).toEqual(lines.read.header?.value);
    // Nothing was read row by row.
    expect(columns.read.slowLines).toBe(0);
    expect((await validateTrace(at('a.parquet'))).problems.shown).toEqual([]);
  });

  it.each<[string, Written]>([
    ['32 bits', {}],
    ['64 bits', { bigints: true }],
    ['uncompressed, in small pages', { codec: 'UNCOMPRESSED', pageSize: 3000 }],
    ['small compressed pages', { pageSize: 3000, bigints: true }],
  ])('of another program, as columns: %s', async (_, how) => {
    writeFileSync(at('b.jsonl'), traceText(SHAPE));
    const found = await analyzeTrace(foreign('b.parquet', how));
    const lines = await analyzeTrace(at('b.jsonl'));
    expect(found.layers).toEqual(lines.layers);
    expect(found.read.slowLines).toBe(0);
  });

  it('with the header as a row and nulls beside it', async () => {
    const rows = [
      { ...JSON.parse(metaLine(SHAPE)) },
      ...ROWS.map((row) => ({ type: 'route', ...row })),
    ];
    const found = await validateTrace(foreign('c.parquet', { rows }));
    expect(found).toMatchObject({ routes: 24_000, kind: 'parquet' });
    expect(found.problems.totals).toEqual({});
  });

  it('with one wrong value: said by row, the others are read', async () => {
    const rows = ROWS.map((row, i) => {
      if (i === 40) return { ...row, topk_weights: [-0.5, 0.1, 0.1, 0.1] };
      if (i === 41) return { ...row, topk_ids: [1, 2], topk_weights: [0.1, 0.1] };
      return i === 42 ? { ...row, topk_ids: [1, 2, 3, 60] } : row;
    });
    const found = await validateTrace(foreign('d.parquet', { rows }));
    expect(found.problems.shown.filter(({ line }) => line > 0)).toMatchObject([
      { line: 41, kind: 'weight' },
      { line: 42, kind: 'top-k' },
      { line: 43, kind: 'expert' },
    ]);
  });

  it('with other columns: says which are missing and which are there', async () => {
    const path = foreign('e.parquet', { without: 'topk_ids' });
    const failure = validateTrace(path);
    await expect(failure).rejects.toThrow(/has no columns topk_ids/);
    await expect(failure).rejects.toMatchObject({
      hint: expect.stringMatching(/req_id, token_idx/),
    });
  });

  it('cut off or damaged: an error that names the file, never a crash', async () => {
    const whole = readFileSync(foreign('f.parquet', {}));
    writeFileSync(at('cut.parquet'), whole.subarray(0, whole.length - 500));
    await expect(validateTrace(at('cut.parquet'))).rejects.toThrow(FormatError);
    writeFileSync(at('short.parquet'), 'PAR1');
    await expect(validateTrace(at('short.parquet'))).rejects.toThrow(FormatError);
    for (let place = 40; place < 4000; place += 331) {
      const damaged = Buffer.from(whole);
      damaged.fill(0xff, place, place + 16);
      writeFileSync(at('damaged.parquet'), damaged);
      const outcome = await validateTrace(at('damaged.parquet')).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(FormatError);
    }
  });
});
