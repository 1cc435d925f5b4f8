/** The pictures of an autopsy: what is in them, when there are none, and that they are drawn. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AnatomyRow } from '../../src/record/rows.ts';
import { histogramChart, type StdSeries, stdChart } from '../../src/report/charts/anatomy.ts';
import { isDrawn, type Planned } from '../../src/report/charts/chart.ts';
import { drawInto } from '../../src/report/charts/write-charts.ts';

const LAYERS = 6;

function row(name: string, of: Partial<AnatomyRow> = {}): AnatomyRow {
  return {
    ...{ kind: 'anatomy', name, shape: [8, 8], scheme: 'bf16', bytes: 128, elements: 64 },
    ...{ mean: 0, std: 0.1, min: -1, max: 1, absmax: 1, kurtosis: 3, nan: 0, zeros: 0 },
    ...{ positiveInfinity: 0, negativeInfinity: 0, deadRows: 0, firstDeadRow: null },
    ...{ firstBadRow: null, absmaxRow: 0, outlierChannels: [], outlierRatios: [] },
    ...{ firstExponent: -4, exponentCounts: [8, 16, 24, 16], ...of },
  };
}

function seriesOf(pattern: string, std: (layer: number) => number): StdSeries {
  const points = Array.from({ length: LAYERS }, (_, layer) => ({
    ...{ layer, name: pattern.replace('*', String(layer)), std: std(layer) },
  }));
  return { pattern, points };
}

const SERIES = [
  seriesOf('model.layers.*.mlp.experts.0.up_proj.weight', (layer) => 0.02 + layer / 1000),
  seriesOf('model.layers.*.mlp.experts.1.up_proj.weight', (layer) => (layer === 4 ? 0.5 : 0.02)),
  seriesOf('model.layers.*.self_attn.q_proj.weight', (layer) => 0.04 - layer / 1000),
  seriesOf('model.layers.*.input_layernorm.weight', () => 0.3),
];
const ROWS = [
  ...SERIES.flatMap(({ points }) =>
    points.map(({ name, std }) => row(name, { std, ...(/norm/.test(name) ? { shape: [8] } : {}) })),
  ),
  row('lm_head.weight', { firstExponent: -1, exponentCounts: [64] }),
];

/** All data of a chart, whichever panel it is in. */
function dataOf(planned: Planned): Record<string, unknown>[] {
  if (!isDrawn(planned)) throw new Error(planned.reason);
  const panels = planned.spec.vconcat as unknown as {
    data: { values: Record<string, unknown>[] };
  }[];
  return panels.flatMap(({ data }) => data.values);
}

describe('std over depth', () => {
  it('has a line a tensor, a colour a kind, matrices apart from vectors', () => {
    const values = dataOf(stdChart(SERIES, ROWS));
    expect(values.length).toBe(SERIES.length * LAYERS);
    expect(new Set(values.map(({ family }) => family))).toEqual(
      new Set([
        'layers.*.mlp.experts.*.up_proj',
        'layers.*.self_attn.q_proj',
        'layers.*.input_layernorm',
      ]),
    );
    expect(values).toContainEqual({
      ...{ pattern: SERIES[1]!.pattern, layer: 4, std: 0.5, kind: 'Matrices' },
      family: 'layers.*.mlp.experts.*.up_proj',
    });
    const vectors = values.filter(({ kind }) => kind === 'Vectors');
    expect(vectors.length).toBe(LAYERS);
  });

  it('keeps the kinds with most values, and says how many it leaves out', () => {
    const many = Array.from({ length: 15 }, (_, i) => seriesOf(`l.*.m${i}.weight`, () => 1));
    const rows = many.flatMap(({ points }, i) =>
      points.map(({ name }) => row(name, { elements: 100 + i })),
    );
    const chart = stdChart(many, rows);
    expect(new Set(dataOf(chart).map(({ family }) => family)).size).toBe(12);
    expect(dataOf(chart)).not.toContainEqual(expect.objectContaining({ family: 'l.*.m2' }));
    expect(JSON.stringify(chart)).toContain('3 more are in the record');
  });

  it('is not drawn where nothing comes in layers', () => {
    expect(stdChart([], ROWS)).toMatchObject({ reason: expect.stringContaining('four layers') });
  });
});

describe('the histogram', () => {
  it('has the shares of all values and of each kind, each of them one in all', () => {
    const values = dataOf(histogramChart(ROWS));
    const sums = new Map<unknown, number>();
    for (const { family = 'all', share } of values) {
      sums.set(family, (sums.get(family) ?? 0) + (share as number));
    }
    expect(sums.size).toBe(5);
    for (const sum of sums.values()) expect(sum).toBeCloseTo(1, 12);
    expect(values).toContainEqual({ family: 'lm_head', exponent: -1, share: 1 });
  });

  it('is not drawn where all is zero', () => {
    const zeros = row('a.weight', { exponentCounts: [], firstExponent: 0 });
    expect(histogramChart([zeros])).toMatchObject({ reason: expect.stringContaining('not zero') });
  });
});

it('both are drawn: the stored pictures (after a wanted change: vitest -u), at 300 dots an inch', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'assay-anatomy-'));
  const hostile = row('model.<b>&"\u0000.weight', { elements: 1 });
  try {
    await drawInto(dir, [
      stdChart(SERIES, ROWS),
      histogramChart([...ROWS, hostile]),
      stdChart([], []),
    ]);
    const names = ['histogram', 'std-over-depth'];
    const files = names.flatMap((name) => ['png', 'svg', 'vl.json'].map((end) => `${name}.${end}`));
    expect(readdirSync(dir).sort()).toEqual(files.sort());
    for (const name of names) {
      const svg = readFileSync(join(dir, `${name}.svg`), 'utf8');
      await expect(svg).toMatchFileSnapshot(`../golden/charts/${name}.svg`);
      const png = readFileSync(join(dir, `${name}.png`));
      expect(png.includes('pHYs')).toBe(true);
      expect(png.length).toBeGreaterThan(20_000);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
