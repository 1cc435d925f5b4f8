/**
 * One digit is changed, anywhere that verify vouches for: it must exit with 6 and name the run, the
 * place, what was expected and what was found. Seeded: a failure prints what was changed.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { below, sfc32 } from '../../src/analyze/random.ts';
import type { Discrepancy } from '../../src/evidence/discrepancy.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { type RunOutput, writeExperiment } from '../support/experiment-file.ts';
import { changeDigit, describeTampering, type Tampering } from '../support/tamper.ts';

const SEED = 20_261;

let bench: BenchLab;
let runs: string[];
let seals: string[];
let log: { numbers: Place[]; constants: Place[] };
interface Place {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

beforeAll(async () => {
  bench = benchLab();
  const file = writeExperiment(bench, { task: true, repeat: true });
  expect((await bench.assay(['run', file, '--only', 'f32'])).code).toBe(0);
  const result = await bench.assay(['run', file, '--json']);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  runs = result.json<RunOutput>().runs.map((run) => join(bench.lab.runsDir, run.runId));
  log = JSON.parse(bench.read('reports/small/EXPERIMENT_LOG.evidence.json'));
  seals = readdirSync(bench.lab.sealsDir).map((name) => join(bench.lab.sealsDir, name));
  const isHead = (path: string) =>
    !seals.some((other) =>
      bench.read(relative(bench.root, other)).includes(path.split('/').at(-1)!),
    );
  seals.sort((a, b) => Number(isHead(a)) - Number(isHead(b)));
  expect(seals.length).toBe(2);
  expect((await bench.assay(['verify'])).code).toBe(0);
});
afterAll(() => bench.remove());

/** Verifies, undoes the change, and returns the finding that stands at the changed digit. */
async function caught(t: Tampering, expected = { alone: false }): Promise<Discrepancy> {
  const result = await bench.assay(['verify', '--json']);
  t.undo();
  const what = `${describeTampering(t)}\n${result.stdout.slice(0, 2_000)}${result.stderr}`;
  expect(result.code, what).toBe(6);
  const { discrepancies } = result.json<{ discrepancies: Discrepancy[] }>();
  const file = relative(bench.root, t.path);
  const hit = discrepancies.find(
    ({ place }) =>
      place?.file === file &&
      place.line === t.line &&
      place.column <= t.column &&
      t.column < place.column + place.width,
  );
  expect(hit, what).toBeDefined();
  if (expected.alone) expect(discrepancies, what).toHaveLength(1);
  expect(hit!.place!.text).toBe(t.after);
  const { column } = hit!.place!;
  expect(hit!.found, what).toContain(t.is);
  expect(hit!.expected?.[t.column - column], what).toBe(t.was);
  return hit!;
}

const times = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const randomOf = (name: string, i: number) =>
  sfc32([...name].reduce((hash, c) => Math.imul(hash, 31) + c.charCodeAt(0), SEED + i));

/** Changes a digit of this file of some run, and expects the finding to name the run. */
async function inRun(name: string, i: number, where?: Parameters<typeof changeDigit>[2]) {
  const random = randomOf(`${name}${where}`, i);
  const dir = runs[below(random, runs.length)]!;
  const hit = await caught(changeDigit(join(dir, name), random, where));
  expect(hit.run).toBe(relative(bench.lab.runsDir, dir));
  expect(hit.message).toContain(hit.run);
}

describe('a changed digit of a run', () => {
  it.each(times(8))('in results_summary.json is found (%d)', (i) =>
    inRun('results_summary.json', i),
  );

  it.each([
    '"value"',
    '"n"',
    '"units"',
    '"formula"',
    '"seed"',
    '"runId"',
    '"lossAtContext',
    '"schema"',
  ])('in a %s of results_summary.json is found', async (key) => {
    const random = randomOf(key, 0);
    const dir = runs.find((run) => run.includes('~eval'))!;
    const where = (line: string): boolean => line.includes(key);
    await caught(changeDigit(join(dir, 'results_summary.json'), random, where));
  });

  it.each(['tensor', 'load', 'window', 'item', 'batch', 'memory', 'repeat'])(
    'in a row of kind %s is found, in values, names and checksums',
    async (kind) => {
      const of = runs.filter((run) => (kind === 'item') === run.includes('~letters'));
      const dir = of[of.length - 1]!;
      const path = join(dir, 'samples.jsonl');
      const inKind = (line: string): boolean => line.startsWith(`{"kind":"${kind}"`);
      const parts = [
        (line: string, at: number) => inKind(line) && at < line.lastIndexOf('"crc32"'),
        (line: string, at: number) => inKind(line) && at > line.lastIndexOf('"crc32":"') + 8,
      ];
      for (const [i, where] of parts.entries()) {
        const hit = await caught(changeDigit(path, randomOf(kind, i), where));
        expect(hit.run).toBe(relative(bench.lab.runsDir, dir));
      }
    },
  );

  it.each(times(10))('in manifest.json is found (%d)', (i) => inRun('manifest.json', i));

  it('in manifest.json is found where the double stays the same', async () => {
    const path = join(runs[0]!, 'manifest.json');
    const original = readFileSync(path, 'utf8');
    writeFileSync(path, original.replace(/("bytes": ?)0,/, '$10e0,'));
    expect(readFileSync(path, 'utf8')).not.toBe(original);
    const result = await bench.assay(['verify', '--json']);
    writeFileSync(path, original);
    expect(result.code, result.stdout).toBe(6);
    expect(result.stdout).toContain('0e0');
  });
});

describe('a changed digit of a report', () => {
  const path = () => join(bench.lab.reportsDir, 'small/EXPERIMENT_LOG.md');
  const at = (places: readonly Place[]) => (_: string, index: number, line: number) =>
    places.some(
      (p) => p.line === line && index >= p.column - 1 && index < p.column - 1 + p.text.length,
    );

  it.each(times(8))('in a number that it cites is found, with its run (%d)', async (i) => {
    const t = changeDigit(path(), randomOf('cited', i), at(log.numbers));
    const hit = await caught(t);
    expect(runs.map((run) => relative(bench.lab.runsDir, run))).toContain(hit.run);
  });

  it.each(times(6))('in a constant of its text is found (%d)', async (i) => {
    await caught(changeDigit(path(), randomOf('constant', i), at(log.constants)));
  });

  it.each(times(4))('in a name, a date or a hash is found (%d)', async (i) => {
    const other = at([...log.numbers, ...log.constants]);
    const where = (line: string, index: number, n: number) => !other(line, index, n);
    await caught(changeDigit(path(), randomOf('other', i), where));
  });

  it.each([
    ...['the header', 'scheme', 'run', 'metric', 'value', 'n', 'units', 'ci95_low', 'ci95_high'],
    ...['formula'],
  ])('in summary.csv is found, and nothing else (%s)', async (column) => {
    const csv = join(bench.lab.reportsDir, 'small/summary.csv');
    const index = readFileSync(csv, 'utf8').split('\n')[0]!.split(',').indexOf(column);
    const where = (line: string, at: number, number: number): boolean =>
      number === 1 ? index < 0 : line.slice(0, at).split(',').length - 1 === index;
    await caught(changeDigit(csv, randomOf(column, 0), where), { alone: true });
  });

  it.each(times(6))('in its evidence is found (%d)', async (i) => {
    const names = ['EXPERIMENT_LOG.evidence.json', 'summary.evidence.json'];
    const evidence = join(bench.lab.reportsDir, 'small', names[i % 2]!);
    const t = changeDigit(evidence, randomOf('evidence', i));
    const result = await bench.assay(['verify']);
    t.undo();
    expect(result.code, `${describeTampering(t)}\n${result.stdout}`).toBe(6);
  });
});

describe('a changed digit of a seal', () => {
  it.each(times(4))('that another seal names is found (%d)', async (i) => {
    await caught(changeDigit(seals[0]!, randomOf('seal', i)));
  });

  it.each(times(4))(
    'that is the newest is found where a run or a seal answers it (%d)',
    async (i) => {
      const where = (line: string): boolean => line.includes('digest') || line.includes('sha256');
      await caught(changeDigit(seals[1]!, randomOf('head', i), where));
    },
  );

  it.each(times(3))(
    'that is the newest is found anywhere by a head kept elsewhere (%d)',
    async (i) => {
      const head = await headOf();
      const t = changeDigit(seals[1]!, randomOf('any', i));
      const result = await bench.assay(['verify', '--head', head]);
      t.undo();
      expect(result.code, describeTampering(t)).toBe(6);
      expect(result.stdout).toContain(head);
    },
  );

  it('in the name of a field is found there', async () => {
    const where = (line: string, index: number) =>
      line.includes('"sha256"') && index < line.indexOf(':');
    const hit = await caught(changeDigit(seals[1]!, randomOf('field', 0), where));
    expect(hit.expected).toBe('sha256');
  });

  it('down to the second of its own time is found', async () => {
    const where = (line: string, index: number) =>
      line.includes('sealedAt') && index < line.indexOf('.');
    const t = changeDigit(seals[1]!, randomOf('time', 0), where);
    const result = await bench.assay(['verify']);
    t.undo();
    expect(result.code, describeTampering(t)).toBe(6);
  });
});

async function headOf(): Promise<string> {
  const { stdout } = await bench.assay(['verify', '--json']);
  return (JSON.parse(stdout) as { heads: { sha256: string }[] }).heads[0]!.sha256;
}

describe('a person who reads it', () => {
  it('sees file, line, column, the line with a caret under the number, expected and found', async () => {
    const t = changeDigit(
      join(bench.lab.reportsDir, 'small/EXPERIMENT_LOG.md'),
      randomOf('human', 0),
      (_, index, line) =>
        log.numbers.some((p) => p.line === line && index === p.column - 1 && p.text.length > 3),
    );
    const { stdout, code } = await bench.assay(['verify']);
    t.undo();
    expect(code).toBe(6);
    const place = log.numbers.find((p) => p.line === t.line && p.column === t.column)!;
    const lines = stdout.split('\n');
    const start = lines.indexOf(`reports/small/EXPERIMENT_LOG.md:${t.line}:${t.column}`);
    expect(start).toBeGreaterThanOrEqual(0);
    const [, says, shown, caret, values] = lines.slice(start);
    expect(says).toMatch(/ of run small\//);
    const found = `${t.is}${place.text.slice(1)}`;
    expect(shown!.slice(caret!.indexOf('^'), caret!.lastIndexOf('^') + 1)).toBe(found);
    expect(values).toBe(`    expected ${place.text}, found ${found}`);
    expect(stdout).toContain('1 thing is not what it was.');
  });
});
