/** Draws the charts of a report beside it: specification with its data, its evidence, SVG, PNG. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, writeFileAtomic, writeJsonAtomic } from '../../record/atomic.ts';
import { sha256Hex } from '../../record/canonical.ts';
import type { ExperimentReport } from '../collect.ts';
import { DocumentBuilder, type DocumentEvidence, sidecarJson } from '../document.ts';
import { fewestCharts, planCharts } from './catalogue.ts';
import { CHARTS_FOLDER, type Chart, isDrawn, type Planned } from './chart.ts';
import { addJson } from './cited-json.ts';
import { drawPng, drawSvg } from './draw.ts';

const OURS = /\.(?:vl\.json|evidence\.json|svg|png)$/;

/** Drawn unasked: a picture takes a tenth of a second and more, and nobody looks at a hundred. */
const MOST_UNASKED = 40;

/**
 * Writes `charts/` in `dir`; what an earlier report drew and this one does not is removed.
 * The same report gives the same bytes. `all`: however many there are.
 */
export async function writeCharts(
  report: ExperimentReport,
  dir: string,
  { all = false } = {},
): Promise<readonly Planned[]> {
  const planned = all ? planCharts(report) : withinReason(report);
  const folder = join(dir, CHARTS_FOLDER);
  const charts = planned.filter(isDrawn);
  removeOthers(folder, charts);
  if (charts.length > 0) makeDirectory(folder);
  // The pixels of one chart are rendered while the next is laid out; one, for each takes 50 MB.
  let pixels: Promise<void> = Promise.resolve();
  for (const chart of charts) {
    const laidOut = await layOut(chart, { experiment: report.name, family: report.family });
    await pixels;
    pixels = writeChart(laidOut, folder);
    // Awaited above or below: until then a failure must not count as unhandled.
    pixels.catch(() => {});
  }
  await pixels;
  return planned;
}

function withinReason(report: ExperimentReport): readonly Planned[] {
  if (fewestCharts(report) <= MOST_UNASKED) {
    const planned = planCharts(report);
    if (planned.filter(isDrawn).length <= MOST_UNASKED) return planned;
  }
  const reason = 'there are many and they take a while: `assay report --charts` draws them';
  return [{ name: 'charts', title: 'the charts of all models', reason }];
}

export interface LaidOut {
  readonly name: string;
  /** The specification with its data, as it is written. */
  readonly text: string;
  readonly evidence: DocumentEvidence;
  readonly svg: string;
}

export async function layOut(
  { name, spec }: Chart,
  of: { experiment: string; family?: ExperimentReport['family'] },
): Promise<LaidOut> {
  const doc = new DocumentBuilder();
  addJson(doc, spec);
  const { text, evidence } = doc.build({ document: specFile(name), ...of });
  const svg = await drawSvg(JSON.parse(text) as Record<string, unknown>);
  return { name, text, evidence, svg };
}

/** `more`: what else the chart's evidence says. */
export async function writeChart(
  { name, text, evidence, svg }: LaidOut,
  folder: string,
  more: Pick<DocumentEvidence, 'traces'> = {},
): Promise<void> {
  const png = await drawPng(svg);
  const pictures = [
    { file: `${name}.svg`, sha256: sha256Hex(svg) },
    { file: `${name}.png`, sha256: sha256Hex(png) },
  ];
  const sidecar = sidecarJson({ ...evidence, pictures, ...more });
  writeFileAtomic(join(folder, `${name}.evidence.json`), sidecar);
  writeFileAtomic(join(folder, specFile(name)), text);
  writeFileAtomic(join(folder, `${name}.svg`), svg);
  writeFileAtomic(join(folder, `${name}.png`), png);
}

function specFile(name: string): string {
  return `${name}.vl.json`;
}

export function removeCharts(dir: string): Planned[] {
  removeOthers(join(dir, CHARTS_FOLDER), []);
  return [];
}

/** A picture of an older report beside a newer log would be taken for its own. */
function removeOthers(folder: string, charts: readonly Chart[]): void {
  if (!existsSync(folder)) return;
  const kept = new Set(charts.map(({ name }) => name));
  for (const file of readdirSync(folder)) {
    if (OURS.test(file) && !kept.has(file.replace(OURS, ''))) rmSync(join(folder, file));
  }
}

/** Draws what has no evidence of its own: the run that it lies in vouches for it. */
export async function drawInto(folder: string, planned: readonly Planned[]): Promise<void> {
  const charts = planned.filter(isDrawn);
  if (charts.length > 0) makeDirectory(folder);
  for (const { name, spec } of charts) {
    const svg = await drawSvg(spec);
    writeFileAtomic(join(folder, `${name}.svg`), svg);
    writeFileAtomic(join(folder, `${name}.png`), await drawPng(svg));
    writeJsonAtomic(join(folder, `${name}.vl.json`), spec);
  }
}
