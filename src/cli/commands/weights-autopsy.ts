/** `assay weights autopsy PATH` */
import { join, relative } from 'node:path';
import { recordLook } from '../../experiment/weights-run.ts';
import { captureEnvironment } from '../../record/environment.ts';
import { findLab } from '../../record/lab.ts';
import type { AnatomyRow } from '../../record/rows.ts';
import type { Finding } from '../../record/schema.ts';
import { histogramChart, stdChart } from '../../report/charts/anatomy.ts';
import { CHARTS_FOLDER, isDrawn, type Planned } from '../../report/charts/chart.ts';
import { drawInto } from '../../report/charts/write-charts.ts';
import { textTable } from '../../report/table.ts';
import { type Autopsy, examine } from '../../weights/autopsy/autopsy.ts';
import type { Diagnosis } from '../../weights/autopsy/diagnose.ts';
import { lookAt } from '../../weights/looked-at.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { progressLines } from '../looking-progress.ts';
import { packageRoot } from '../package.ts';

interface Options {
  path: string;
  hash: boolean;
  charts: boolean;
  json?: boolean;
}

type ExaminedTensor = Autopsy['tensors'][number];

const METRICS = [
  { name: 'tensors', formula: 'weights.tensors/1' },
  { name: 'values', formula: 'weights.values/1' },
  { name: 'nonFinite', formula: 'weights.non-finite/1' },
  { name: 'zeroShare', formula: 'weights.zero-share/1' },
  { name: 'deadRows', formula: 'weights.dead-rows/1' },
];

export async function run(options: Options, io: CommandIo): Promise<number> {
  const looked = lookAt(options.path);
  try {
    let autopsy: Autopsy | null = null;
    let seconds = 0;
    let pictures: readonly Planned[] = [];
    if (options.hash) writeLine(io.stderr, 'hashing the files (--no-hash leaves that out)');
    const { manifest, dir, metrics } = await recordLook(
      {
        lab: findLab(io.cwd),
        verb: 'autopsy',
        subjects: [{ path: options.path, files: looked.files }],
        settings: {},
        hash: options.hash,
        argv: io.argv,
        cwd: io.cwd,
        environment: await captureEnvironment({ packageRoot: packageRoot(), env: io.env }),
        metrics: METRICS,
      },
      async (append, runDir) => {
        const progress = progressLines(io, looked.tensors.length);
        const started = performance.now();
        autopsy = await examine(looked, {
          signal: io.signal,
          onTensor(tensor) {
            append([rowOf(tensor)]);
            progress(tensor.name);
          },
        });
        seconds = (performance.now() - started) / 1_000;
        if (options.charts) pictures = await draw(autopsy, join(runDir, CHARTS_FOLDER));
        return [...autopsy.diagnoses.map(findingOf), ...skippedFindings(autopsy)];
      },
    );
    const found = autopsy as unknown as Autopsy;
    if (options.json) {
      writeJson(io.stdout, { runId: manifest.runId, metrics, ...found });
    } else {
      print(found, io);
      const bytes = found.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
      const size = `${(bytes / 1e6).toFixed(1)} MB`;
      writeLine(io.stderr, `\n${found.tensors.length} tensors, ${size} in ${seconds.toFixed(2)} s`);
      const at = relative(io.cwd, dir);
      writeLine(io.stderr, `recorded: ${at}`);
      for (const picture of pictures) writeLine(io.stderr, pictureLine(picture, at));
    }
    return 0;
  } finally {
    looked.close();
  }
}

async function draw({ series, tensors }: Autopsy, folder: string): Promise<readonly Planned[]> {
  const rows = tensors.map(rowOf);
  const planned = [stdChart(series, rows), histogramChart(rows)];
  await drawInto(folder, planned);
  return planned;
}

function pictureLine(picture: Planned, dir: string): string {
  if (isDrawn(picture)) return `picture: ${join(dir, CHARTS_FOLDER, `${picture.name}.png`)}`;
  return `no picture of ${picture.title.toLowerCase()}: ${picture.reason}`;
}

function rowOf({ name, shape, scheme, bytes, statistics }: ExaminedTensor): AnatomyRow {
  const { outliers, histogram, ...numbers } = statistics;
  return {
    kind: 'anatomy',
    name,
    shape: [...shape],
    scheme,
    bytes,
    ...numbers,
    outlierChannels: outliers.map(({ channel }) => channel),
    outlierRatios: outliers.map(({ ratio }) => ratio),
    firstExponent: histogram.firstExponent,
    exponentCounts: [...histogram.counts],
  };
}

function findingOf({ code, severity, tensor, row, value, threshold, message }: Diagnosis): Finding {
  const place = row === null ? tensor : `${tensor}, row ${row}`;
  // JSON has no NaN: a finding's value is then in its message.
  const evidence = { tensor, row, value: Number.isFinite(value) ? value : null, threshold };
  return { code, severity, message: `${place}: ${message}`, place, evidence };
}

function skippedFindings({ skipped }: Autopsy): Finding[] {
  return skipped.map(({ name, reason }) => {
    const message = `${name} was not examined: ${reason}`;
    return { code: 'not-examined', severity: 'warning', message, place: name };
  });
}

const short = (value: number | null): string =>
  value === null ? '—' : String(Number(value.toPrecision(4)));

function print(autopsy: Autopsy, io: CommandIo): void {
  const { tensors, series, diagnoses, skipped } = autopsy;
  const numbers = ['Mean', 'Std', 'Min', 'Max', 'Kurtosis', 'Zeros', 'NaN, Inf', 'Dead rows'];
  const columns = [
    ...['Tensor', 'Scheme', 'Shape'].map((title) => ({ title })),
    ...numbers.map((title) => ({ title, align: 'right' as const })),
  ];
  const rows = tensors.map(({ name, scheme, shape, statistics: s }) => [
    name,
    scheme,
    shape.join('×'),
    ...[s.mean, s.std, s.min, s.max, s.kurtosis].map(short),
    s.elements === 0 ? '—' : `${((s.zeros / s.elements) * 100).toFixed(2)} %`,
    String(s.nan + s.positiveInfinity + s.negativeInfinity),
    String(s.deadRows),
  ]);
  writeLine(io.stdout, textTable(columns, rows));
  if (series.length > 0) {
    const depth = series.map(({ pattern, points, medianStd, growth }) => [
      pattern,
      String(points.length),
      ...[points[0]!.std, medianStd, points.at(-1)!.std].map(short),
      `${growth < 1 ? '−' : '+'}${Math.abs((growth - 1) * 100).toFixed(1)} %`,
    ]);
    const titles = ['Layers', 'First std', 'Median', 'Last', 'A layer'];
    const right = titles.map((title) => ({ title, align: 'right' as const }));
    writeLine(io.stdout, `\n${textTable([{ title: 'Over depth' }, ...right], depth)}`);
  }
  writeLine(io.stdout);
  for (const diagnosis of diagnoses) {
    const { severity, code } = diagnosis;
    writeLine(io.stdout, `${severity}: ${code}: ${findingOf(diagnosis).message}`);
  }
  for (const { name, reason } of skipped) {
    writeLine(io.stdout, `not examined: ${name}: ${reason}`);
  }
  if (diagnoses.length === 0)
    writeLine(io.stdout, 'nothing is wrong by the thresholds of docs/weights.md');
}
