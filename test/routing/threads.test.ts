/** Large files are read by several threads: what they find is what one finds. */
import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assay } from '../support/command.ts';
import { assayHere } from '../support/in-process.ts';
import { type TraceShape, traceText } from '../support/route-lines.ts';

const SHAPE: TraceShape = {
  ...{ requests: 40, tokens: 900, layers: [0, 1, 2, 3], experts: 60, topK: 4, phase: true },
};

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-threads-'));
  const text = traceText(SHAPE);
  const names = text.replaceAll('"r7"', '"ré 7"');
  writeFileSync(join(dir, 'trace.jsonl'), names);
  writeFileSync(join(dir, 'trace.jsonl.gz'), gzipSync(names, { level: 1 }));
  writeFileSync(join(dir, 'bad.jsonl'), text);
  appendFileSync(join(dir, 'bad.jsonl'), text.replaceAll('"layer":3', '"layer":9').slice(0, -20));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('the analysis of a large file', async () => {
  expect(statSync(join(dir, 'trace.jsonl')).size).toBeGreaterThan(1 << 24);
  const args = ['moe', 'analyze', 'trace.jsonl', '--json'];
  const inThreads = await assay(args, { cwd: dir });
  const here = await assayHere(args, dir);
  expect(inThreads.code).toBe(0);
  const found = inThreads.json<{ routes: number }>();
  expect(found).toEqual(JSON.parse(here.stdout));
  expect(found.routes).toBe(144_000);
  const packed = await assayHere(['moe', 'analyze', 'trace.jsonl.gz', '--json'], dir);
  expect(JSON.parse(packed.stdout).layers).toEqual(JSON.parse(here.stdout).layers);
});

it('the errors of a large file, by line', async () => {
  const args = ['moe', 'validate', 'bad.jsonl', '--json'];
  const inThreads = await assay(args, { cwd: dir });
  const here = await assayHere(args, dir);
  expect(inThreads.code).toBe(3);
  const found = inThreads.json<{ problems: { totals: unknown } }>();
  expect(found).toEqual(JSON.parse(here.stdout));
  expect(found.problems.totals).toMatchObject({ torn: 1, header: 2 });
});
