/** Puts MOE_REPORT.md, its charts and the evidence of both on disk. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { makeDirectory, writeFileAtomic } from '../../record/atomic.ts';
import { sha256File } from '../../record/canonical.ts';
import { UsageError } from '../../record/errors.ts';
import { citedFacts, timingFacts } from '../../routing/route-facts.ts';
import { CHARTS_FOLDER, isDrawn, type Planned } from '../charts/chart.ts';
import { layOut, writeChart } from '../charts/write-charts.ts';
import { sidecarJson } from '../document.ts';
import type { AnalyzedFiles } from './analysis-json.ts';
import { CitedFacts } from './cite-route.ts';
import { entropyOverDepth, layerHeatMap } from './depth-charts.ts';
import { coActivationChart, expertHistogram } from './expert-charts.ts';
import { MOE_REPORT_NAME, type MoeReport, moeReport } from './moe-report.ts';

const EVIDENCE_NAME = 'MOE_REPORT.evidence.json';
const EXPERIMENT = 'moe';

export interface WrittenMoeReport {
  readonly documentPath: string;
  readonly charts: readonly Planned[];
}

/** Throws UsageError instead of overwriting a report that a person wrote. */
export async function writeMoeReport(
  analyzed: AnalyzedFiles,
  of: { dir: string; version: string; keepDummies: boolean; timingPaths: readonly string[] },
): Promise<WrittenMoeReport> {
  const { dir, version, keepDummies } = of;
  const documentPath = join(dir, MOE_REPORT_NAME);
  if (existsSync(documentPath) && !existsSync(join(dir, EVIDENCE_NAME))) {
    throw new UsageError(`${documentPath} was not written by assay`, {
      hint: 'choose another folder with --out, or move that file away',
    });
  }
  makeDirectory(join(dir, CHARTS_FOLDER));
  const fromDir = (path: string): string => relative(dir, path).replaceAll('\\', '/');
  const paths = [...analyzed.traces.map(({ read }) => read.path), ...of.timingPaths];
  const files = await Promise.all(
    paths.map(async (path) => ({ path: fromDir(path), sha256: await sha256File(path) })),
  );
  const report = citedReport(analyzed, { version, fromDir, timingPaths: of.timingPaths });
  const traces = { root: '.', keepDummies, files };
  const charts = report.reported.flatMap((reported) => reported.charts);
  for (const chart of charts) {
    if (!isDrawn(chart)) continue;
    const laidOut = await layOut(chart, { experiment: EXPERIMENT });
    await writeChart(laidOut, join(dir, CHARTS_FOLDER), { traces: { ...traces, root: '..' } });
  }
  const built = moeReport(report).build({ document: MOE_REPORT_NAME, experiment: EXPERIMENT });
  writeFileAtomic(join(dir, EVIDENCE_NAME), sidecarJson({ ...built.evidence, traces }));
  writeFileAtomic(documentPath, built.text);
  return { documentPath, charts };
}

function citedReport(
  analyzed: AnalyzedFiles,
  of: { version: string; fromDir(path: string): string; timingPaths: readonly string[] },
): MoeReport {
  const { fromDir } = of;
  const { traces, comparisons, timings } = analyzed;
  const several = traces.length > 1;
  const reported = traces.map((trace, i) => {
    const shown = fromDir(trace.read.path);
    const facts = new CitedFacts(citedFacts(trace), { trace: shown });
    const charts = chartsOf(trace, facts);
    return { facts, shown, charts: several ? charts.map((each) => numbered(each, i + 1)) : charts };
  });
  return {
    ...{ ...analyzed, version: of.version, reported },
    compared: comparisons.map((comparison) => {
      const [trace, against] = [fromDir(comparison.b), fromDir(comparison.a)];
      return new CitedFacts({ ...comparison }, { trace, against });
    }),
    timed: timings.map((timing, i) => {
      return new CitedFacts(timingFacts(timing), { trace: fromDir(of.timingPaths[i] as string) });
    }),
  };
}

/** Of several traces: `2-layers`. */
function numbered(planned: Planned, number: number): Planned {
  return { ...planned, name: `${number}-${planned.name}` };
}

/** One layer by itself: the one whose experts are used least evenly. */
function chartsOf(trace: AnalyzedFiles['traces'][number], facts: CitedFacts): Planned[] {
  const { layers, read } = trace;
  const words = read.header?.modelId ?? 'a model without a name';
  const evenness = layers.map(({ entropyNormalized }) => entropyNormalized ?? 2);
  const place = evenness.indexOf(Math.min(...evenness));
  const layer = layers[place];
  if (layer === undefined || layer.routes === 0) return [];
  const of = { layer, place, facts, words };
  const depth = { layers, facts, words };
  return [expertHistogram(of), layerHeatMap(depth), entropyOverDepth(depth), coActivationChart(of)];
}
