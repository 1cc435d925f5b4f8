/** MOE_REPORT.md, its charts and their evidence: every number is computed again from the trace. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assayHere } from '../support/in-process.ts';
import { metaLine, routeLines, type TraceShape, traceText } from '../support/route-lines.ts';

const SHAPE: TraceShape = {
  ...{ requests: 12, tokens: 30, layers: [0, 1, 2], experts: 16, topK: 4, phase: true },
  meta: { num_experts: 16 },
};
const TIMING = `{"baseline": {"wall_time_sec": 2.50, "tokens_generated": 100},
 "log": {"wall_time_sec": 2.60, "tokens_generated": 100}}`;

let base = '';
let dir = '';
let lab = 0;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'assay-moe-report-'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));
beforeEach(() => {
  dir = join(base, `lab-${lab++}`);
  mkdirSync(dir);
  writeFileSync(join(dir, 'a.jsonl'), traceText(SHAPE));
  writeFileSync(join(dir, 'b.jsonl'), traceText({ ...SHAPE, seed: 8 }));
  writeFileSync(join(dir, 'timing.json'), TIMING);
});

const report = (...parts: string[]): string => join(dir, 'reports/moe/a', ...parts);
const analyze = (...args: string[]) => assayHere(['moe', 'analyze', ...args], dir);
const verify = () => assayHere(['verify'], dir);

describe('the report', () => {
  it('holds what `analyze` says, and `verify` finds it unchanged', async () => {
    const said = await analyze('a.jsonl', 'timing.json');
    expect(said.code).toBe(0);
    const json = JSON.parse((await analyze('a.jsonl', '--json')).stdout);
    const text = readFileSync(report('MOE_REPORT.md'), 'utf8');
    for (const { entropyBits } of json.layers) {
      expect(text).toContain(entropyBits.toFixed(4));
    }
    expect(text).toMatch(/decode/);
    expect(text).toMatch(/4\.00 % by wall time/);
    const { code, stdout } = await verify();
    expect(stdout).toMatch(/numbers in 5 documents rendered again/);
    expect(code).toBe(0);
  });

  it('draws four charts, at 300 dots an inch', async () => {
    await analyze('a.jsonl');
    for (const name of ['layers', 'entropy']) {
      const svg = readFileSync(report('charts', `${name}.svg`), 'utf8');
      expect(svg).toMatch(/^<svg/);
      const png = readFileSync(report('charts', `${name}.png`));
      const at = png.indexOf('pHYs');
      expect(png.readUInt32BE(at + 4)).toBe(Math.round(300 / 0.0254));
    }
    const text = readFileSync(report('MOE_REPORT.md'), 'utf8');
    expect(text.match(/!\[.*\]\(charts\/.*\.svg\)/g)).toHaveLength(4);
  });

  it('a changed digit, in the report and in a chart, is found', async () => {
    await analyze('a.jsonl');
    const text = readFileSync(report('MOE_REPORT.md'), 'utf8');
    const bits = /\| 0 \| 360 \| (\d\.\d{4})/.exec(text)?.[1] as string;
    writeFileSync(report('MOE_REPORT.md'), text.replace(bits, '3.1415'));
    const spec = readFileSync(report('charts/entropy.vl.json'), 'utf8');
    writeFileSync(report('charts/entropy.vl.json'), spec.replace(/("bits": \d\.\d)\d/, '$10'));
    const { code, stdout } = await verify();
    expect(code).toBe(6);
    expect(stdout).toContain(`expected ${bits}, found 3.1415`);
    expect(stdout).toMatch(/charts\/entropy\.vl\.json:\d+/);
  });

  it('a changed trace is told once a document, and where it is', async () => {
    await analyze('a.jsonl');
    appendFileSync(join(dir, 'a.jsonl'), `${routeLines(SHAPE)[0]}\n`);
    const { code, stdout } = await verify();
    expect(code).toBe(6);
    expect(stdout).toMatch(/a\.jsonl, which a report is about: it was changed/);
  });

  it('is no one’s to overwrite that a person wrote', async () => {
    mkdirSync(report(), { recursive: true });
    writeFileSync(report('MOE_REPORT.md'), 'mine');
    const { code, stderr } = await analyze('a.jsonl');
    expect(code).toBe(2);
    expect(stderr).toMatch(/was not written by assay/);
  });

  it('is not written for a program, unless it asks', async () => {
    await analyze('a.jsonl', '--json');
    await analyze('a.jsonl', '--no-report');
    expect(() => readFileSync(report('MOE_REPORT.md'))).toThrow();
    await analyze('a.jsonl', '--json', '--out', 'here');
    expect(readFileSync(join(dir, 'here/MOE_REPORT.md'), 'utf8')).toMatch(/made\/up/);
  });
});

describe('two traces', () => {
  it('of the same model and requests: no difference is shown between samples of one source', async () => {
    const { code, stdout } = await analyze('a.jsonl', 'b.jsonl', '--json');
    expect(code).toBe(0);
    const { traces, comparisons } = JSON.parse(stdout);
    expect(traces).toHaveLength(2);
    expect(comparisons[0]).toMatchObject({ unitsOf: 'requests', onlyOne: [] });
    expect(comparisons[0].layers.map(({ layer }: { layer: number }) => layer)).toEqual([0, 1, 2]);
    for (const { pHolm, jsdBits, paired } of comparisons[0].layers) {
      expect(pHolm).toBeGreaterThan(0.05);
      expect(jsdBits).toBeLessThan(0.05);
      expect(paired).toBe(true);
    }
  });

  it('one of which prefers other experts: shown in every layer, and in the report', async () => {
    const moved = routeLines({ ...SHAPE, seed: 8 }).map((line) => {
      const row = JSON.parse(line);
      return JSON.stringify({ ...row, topk_ids: row.topk_ids.map((id: number) => (id + 3) % 16) });
    });
    writeFileSync(join(dir, 'b.jsonl'), `${[metaLine(SHAPE), ...moved].join('\n')}\n`);
    const { stdout } = await analyze('a.jsonl', 'b.jsonl');
    expect(stdout).toMatch(/different in all layers/);
    const text = readFileSync(report('MOE_REPORT.md'), 'utf8');
    expect(text).toMatch(/`\.\.\/\.\.\/\.\.\/b\.jsonl` against `\.\.\/\.\.\/\.\.\/a\.jsonl`/);
    expect((await verify()).code).toBe(0);
  });

  it('of different models: refused', async () => {
    writeFileSync(join(dir, 'c.jsonl'), traceText({ ...SHAPE, topK: 2 }));
    const { code, stderr } = await analyze('a.jsonl', 'c.jsonl');
    expect(code).toBe(2);
    expect(stderr).toMatch(/different models: top 4 of 16, and top 2 of 16/);
  });
});
