import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Discrepancy } from '../../src/evidence/discrepancy.ts';
import { verifyLab } from '../../src/evidence/verify.ts';
import type { Lab } from '../../src/record/lab.ts';
import { writeSeal } from '../../src/record/seal.ts';
import { fewestCharts, planCharts } from '../../src/report/charts/catalogue.ts';
import { isDrawn } from '../../src/report/charts/chart.ts';
import { addJson } from '../../src/report/charts/cited-json.ts';
import { drawPng, drawSvg } from '../../src/report/charts/draw.ts';
import { writeCharts } from '../../src/report/charts/write-charts.ts';
import { collectExperiment } from '../../src/report/collect.ts';
import { DocumentBuilder } from '../../src/report/document.ts';
import { writeReport } from '../../src/report/write-report.ts';
import { temporaryLab } from '../record/recorded-run.ts';
import { DUMMY, type MadeUpBench, measureBench } from '../support/bench-runs.ts';
import { EXPERIMENT, measureAll, runsOf } from '../support/measured-lab.ts';

const TINY = 'builtin:made-up';

type TemporaryLab = ReturnType<typeof temporaryLab>;

async function bench(lab: Lab, cells: readonly Partial<MadeUpBench>[]): Promise<void> {
  for (const [order, cell] of cells.entries()) {
    const made = { model: TINY, scheme: 'f32', batchSize: 1, takes: 1, ...cell };
    await measureBench(lab, { ...made, experiment: made.experiment ?? EXPERIMENT }, order);
  }
}

const collected = (lab: Lab) => collectExperiment(EXPERIMENT.name, runsOf(lab));

/** Draws and reports; the names of what was drawn. */
async function write(lab: TemporaryLab): Promise<string[]> {
  const dir = join(lab.reportsDir, EXPERIMENT.name);
  const report = collected(lab);
  const charts = await writeCharts(report, dir);
  writeReport(report, { dir, version: '0.0.0', charts });
  return charts.filter(isDrawn).map(({ name }) => name);
}

/** How many pixels of a PNG are not white. */
function inkOf(png: Uint8Array): number {
  const head = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const [width, height] = [head.readUInt32BE(16), head.readUInt32BE(20)];
  const data = head.toString('base64');
  const { pixels } = new Resvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
      `<image width="${width}" height="${height}" href="data:image/png;base64,${data}"/></svg>`,
    { background: 'white', font: { loadSystemFonts: false } },
  ).render();
  let ink = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    if (Math.min(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!) < 250) ink++;
  }
  return ink;
}

describe('the charts of a whole experiment', () => {
  const TAKES = { f32: 1, bf16: 1.1, 'int8-g128': 0.6, 'int4-g128': 0.5 };
  let lab: TemporaryLab;
  let dir: string;
  let names: string[];
  beforeAll(async () => {
    lab = temporaryLab();
    dir = join(lab.reportsDir, EXPERIMENT.name);
    await measureAll(lab);
    const variants = Object.entries(TAKES).map(([scheme, takes]) => ({ scheme, takes }));
    await bench(
      lab,
      variants.flatMap((each) => [1, 4, 8].map((batchSize) => ({ ...each, batchSize }))),
    );
    writeSeal(lab);
    names = await write(lab);
  });
  afterAll(() => lab.remove());

  const path = (name: string): string => join(dir, 'charts', name);
  const read = (name: string): string => readFileSync(path(name), 'utf8');
  /** What `verify` says while a file is another. */
  async function whileIs(name: string, content: string | Uint8Array): Promise<Discrepancy[]> {
    const before = readFileSync(path(name));
    writeFileSync(path(name), content);
    const { discrepancies } = await verifyLab(lab);
    writeFileSync(path(name), before);
    return [...discrepancies];
  }

  test('are all there: specification, evidence, SVG, PNG, each shown in the log', () => {
    expect(names).toEqual([
      ...['dashboard', 'speed', 'latency', 'latency-distribution', 'throughput', 'speedup'],
      ...['pareto', 'memory', 'perplexity-eval', 'calibration-eval', 'accuracy-intents'],
    ]);
    const log = readFileSync(join(dir, 'EXPERIMENT_LOG.md'), 'utf8');
    for (const name of names) expect(log).toContain(`](charts/${name}.svg)`);
    const files = names.flatMap((name) =>
      ['evidence.json', 'png', 'svg', 'vl.json'].map((end) => `${name}.${end}`),
    );
    expect(readdirSync(join(dir, 'charts')).sort()).toEqual(files.sort());
  });

  test('are the stored ones (after a wanted change: vitest -u)', async () => {
    for (const name of names) {
      await expect(read(`${name}.svg`)).toMatchFileSnapshot(`../golden/charts/${name}.svg`);
    }
  });

  test('verify, are drawn again from their own specification, and again the same', async () => {
    const before = names.map((name) => readFileSync(join(dir, 'charts', `${name}.png`)));
    expect((await verifyLab(lab)).discrepancies).toEqual([]);
    for (const name of names) {
      expect(await drawSvg(JSON.parse(read(`${name}.vl.json`)))).toBe(read(`${name}.svg`));
    }
    await write(lab);
    const after = names.map((name) => readFileSync(join(dir, 'charts', `${name}.png`)));
    for (const [i, png] of after.entries()) expect(png.equals(before[i]!)).toBe(true);
    expect((await verifyLab(lab)).discrepancies).toEqual([]);
  });

  test('a changed digit of the data is named with its run', async () => {
    const text = read('speed.vl.json');
    const [old] = /"value": \d/.exec(text)!;
    const digit = (Number(old.at(-1)) % 9) + 1;
    const found = await whileIs('speed.vl.json', text.replace(old, `"value": ${digit}`));
    expect(found).toMatchObject([
      { run: expect.stringMatching(/^quickstart\/made-up~f32~bench-b1\//) },
    ]);
  });

  test('a changed picture is found', async () => {
    const png = readFileSync(path('memory.png'));
    png[png.length - 20]! ^= 1;
    const found = await whileIs('memory.png', png);
    expect(found.map(({ code }) => code)).toEqual(['document-edited']);
  });

  test('have text in them: pixels of every one go white without it', async () => {
    for (const name of names) {
      const svg = read(`${name}.svg`);
      const png = readFileSync(join(dir, 'charts', `${name}.png`));
      const mute = await drawPng(svg.replace(/<text[\s\S]*?<\/text>/g, ''));
      const lost = inkOf(png) - inkOf(mute);
      const letters = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text).join('');
      // At 300 dots an inch even a full stop covers more than four.
      expect(lost, name).toBeGreaterThan(4 * letters.replaceAll(' ', '').length);
    }
  });

  test('what is no longer drawn does not stay behind', async () => {
    writeFileSync(path('older.svg'), '<svg/>');
    writeFileSync(path('mine.txt'), 'a note');
    await write(lab);
    const files = readdirSync(join(dir, 'charts'));
    expect(files).not.toContain('older.svg');
    expect(files).toContain('mine.txt');
  });
});

describe('charts of hostile data', () => {
  /** Draws everything that is planned, and gives what was not with the reason. */
  async function draw(lab: Lab): Promise<{ drawn: string[]; undrawn: string[] }> {
    const planned = planCharts(collected(lab));
    const drawn: string[] = [];
    for (const each of planned.filter(isDrawn)) {
      const doc = new DocumentBuilder();
      addJson(doc, each.spec);
      const { text } = doc.build({ document: 'x.vl.json', experiment: 'x', family: [] });
      const svg = await drawSvg(JSON.parse(text));
      expect(svg, each.name).not.toMatch(/NaN|undefined|Infinity/);
      drawn.push(each.name);
    }
    const undrawn = planned.flatMap((each) => (isDrawn(each) ? [] : [each.reason]));
    return { drawn, undrawn };
  }

  async function withLab(work: (lab: TemporaryLab) => Promise<void>): Promise<void> {
    const lab = temporaryLab();
    try {
      await work(lab);
    } finally {
      lab.remove();
    }
  }

  test('one variant at one batch size: no speedup and no front, and why', async () => {
    await withLab(async (lab) => {
      await bench(lab, [{}]);
      const { drawn, undrawn } = await draw(lab);
      expect(drawn).toContain('speed');
      expect(drawn).not.toContain('pareto');
      expect(fewestCharts(collected(lab))).toBe(drawn.length);
      expect(undrawn).toContain('fewer than two candidates can be ranked');
      expect(undrawn).toContain('no speed was compared with a baseline');
    });
  });

  test('twelve variants with long names, one that failed, one seen at another size only', async () => {
    await withLab(async (lab) => {
      const schemes = ['f32', ...Array.from({ length: 11 }, (_, i) => `int4-asym-g${32 + i}`)];
      const experiment = { ...EXPERIMENT, schemes };
      await bench(lab, [
        ...schemes.map((scheme, i) => ({ scheme, takes: 1 + i / 10, experiment, rounds: 3 })),
        { scheme: 'bf16', batchSize: 8, experiment, rounds: 3 },
        { scheme: 'f16', experiment, fails: 'EngineError: no' },
      ]);
      const report = collected(lab);
      const memory = planCharts(report).find(({ name }) => name === 'memory')!;
      expect(JSON.stringify(memory)).toContain('bf16');
      expect((await draw(lab)).drawn).toContain('dashboard');
    });
  });

  test('models whose names are alike as files do not overwrite each other', async () => {
    await withLab(async (lab) => {
      const models = ['a/b', 'a b', `dummy:${'long/'.repeat(40)}`];
      const experiment = { ...EXPERIMENT, models };
      await bench(
        lab,
        models.map((model) => ({ model, experiment, rounds: 3 })),
      );
      const { drawn } = await draw(lab);
      expect(new Set(drawn).size).toBe(drawn.length);
    });
  });

  test('nothing but dummy weights: no picture of quality', async () => {
    await withLab(async (lab) => {
      await bench(lab, [{ model: DUMMY, experiment: { ...EXPERIMENT, models: [DUMMY] } }]);
      const { drawn } = await draw(lab);
      expect(drawn.join(' ')).not.toMatch(/perplexity|calibration|accuracy/);
    });
  });
});

test.each([
  ['scored', measureAll],
  ['timed', (lab: Lab) => bench(lab, [{ rounds: 3 }])],
])('charts of many models that were %s are drawn only when asked for', async (_, fill) => {
  const lab = temporaryLab();
  try {
    await fill(lab);
    const one = collected(lab);
    const models = Array.from({ length: 21 }, (_, i) => `builtin:m${i}`);
    const cells = models.flatMap((model) => one.cells.map((cell) => ({ ...cell, model })));
    const many = { ...one, cells };
    const drawn = planCharts(many).filter(isDrawn).length;
    expect(drawn).toBeGreaterThan(40);
    expect(fewestCharts(many)).toBeLessThanOrEqual(drawn);
    const planned = await writeCharts(many, lab.root);
    expect(planned).toEqual([
      expect.objectContaining({ reason: expect.stringContaining('`assay report --charts`') }),
    ]);
    expect(existsSync(join(lab.root, 'charts'))).toBe(false);
  } finally {
    lab.remove();
  }
});
