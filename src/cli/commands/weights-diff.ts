/** `assay weights diff A B` */
import { relative } from 'node:path';
import { recordLook } from '../../experiment/weights-run.ts';
import { captureEnvironment } from '../../record/environment.ts';
import { findLab } from '../../record/lab.ts';
import type { SampleRow } from '../../record/rows.ts';
import type { Finding } from '../../record/schema.ts';
import { textTable } from '../../report/table.ts';
import {
  type CheckpointDifference,
  type ComparedTensor,
  diffCheckpoints,
} from '../../weights/diff/diff.ts';
import { cosineOf, sqnrOf } from '../../weights/diff/tensor-difference.ts';
import { type LookedAt, lookAt } from '../../weights/looked-at.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { progressLines } from '../looking-progress.ts';
import { packageRoot } from '../package.ts';

interface Options {
  first: string;
  second: string;
  hash: boolean;
  json?: boolean;
}

const METRICS = [
  { name: 'compared', formula: 'weights.compared/1' },
  { name: 'changed', formula: 'weights.changed/1' },
  { name: 'sqnr', formula: 'weights.sqnr/1' },
  { name: 'mse', formula: 'weights.mse/1' },
  { name: 'maxError', formula: 'weights.max-error/1' },
  { name: 'beyondRounding', formula: 'weights.beyond-rounding/1' },
];

export async function run({ first, second, ...options }: Options, io: CommandIo): Promise<number> {
  const opened: LookedAt[] = [];
  try {
    for (const path of [first, second]) opened.push(lookAt(path));
    const [a, b] = opened as [LookedAt, LookedAt];
    let difference: CheckpointDifference | null = null;
    if (options.hash) writeLine(io.stderr, 'hashing the files (--no-hash leaves that out)');
    const { manifest, dir, metrics } = await recordLook(
      {
        lab: findLab(io.cwd),
        verb: 'diff',
        subjects: opened.map(({ path, files }) => ({ path, files })),
        settings: {},
        hash: options.hash,
        argv: io.argv,
        cwd: io.cwd,
        environment: await captureEnvironment({ packageRoot: packageRoot(), env: io.env }),
        metrics: METRICS,
      },
      async (append) => {
        const progress = progressLines(io, a.tensors.length);
        difference = await diffCheckpoints(a, b, {
          signal: io.signal,
          onTensor(tensor) {
            append([rowOf(tensor)]);
            progress(tensor.name);
          },
        });
        return findingsOf(difference);
      },
    );
    const found = difference as unknown as CheckpointDifference;
    if (options.json) {
      const tensors = found.tensors.map((tensor) => ({ ...tensor, ...derived(tensor) }));
      writeJson(io.stdout, { runId: manifest.runId, metrics, ...found, tensors });
    } else {
      print(found, io);
      writeLine(io.stderr, `\nrecorded: ${relative(io.cwd, dir)}`);
    }
    return 0;
  } finally {
    for (const looked of opened) looked.close();
  }
}

function rowOf({ schemes, ...tensor }: ComparedTensor): SampleRow {
  return { kind: 'difference', ...tensor, shape: [...tensor.shape], schemes: [...schemes] };
}

function derived(tensor: ComparedTensor) {
  const { noise, roundingNoise, elements, verdict } = tensor;
  return {
    mse: elements === 0 ? null : noise / elements,
    sqnr: sqnrOf(tensor),
    cosine: cosineOf(tensor),
    /** 1: rounding to nearest, on average; between two plain versions it says nothing. */
    noiseRatio: roundingNoise === 0 || verdict === 'changed' ? null : noise / roundingNoise,
  };
}

function findingsOf(difference: CheckpointDifference): Finding[] {
  const { tensors, onlyInFirst, onlyInSecond, skipped } = difference;
  const findings: Finding[] = [];
  for (const tensor of tensors) {
    const { name, verdict, beyond, elements, nonFinite } = tensor;
    if (verdict === 'identical' || verdict === 'rounding') continue;
    const { noiseRatio } = derived(tensor);
    const times = noiseRatio === null ? '' : `, noise ${short(noiseRatio)} times that of rounding`;
    const bad = nonFinite === 0 ? '' : `, ${nonFinite} NaN or infinite`;
    const share = `${beyond} of ${elements} values beyond rounding`;
    const message = `${name}: ${verdict}: ${share}${times}${bad}`;
    const severity = verdict === 'wrong' ? 'error' : verdict === 'changed' ? 'warning' : 'info';
    const evidence = { beyond, elements, nonFinite, noiseRatio };
    findings.push({ code: `weights-${verdict}`, severity, message, place: name, evidence });
  }
  const missing = [
    ...onlyInFirst.map((name) => ({ name, what: 'only in the first' })),
    ...onlyInSecond.map((name) => ({ name, what: 'only in the second' })),
    ...skipped.map(({ name, reason }) => ({ name, what: `not compared: ${reason}` })),
  ];
  for (const { name, what } of missing) {
    const message = `${name}: ${what}`;
    findings.push({ code: 'weights-not-compared', severity: 'warning', message, place: name });
  }
  return findings;
}

const short = (value: number | null, digits = 4): string =>
  value === null ? '—' : String(Number(value.toPrecision(digits)));

/** The table has them all; these lines say why. */
const SHOWN_FINDINGS = 12;

const right = (title: string) => ({ title, align: 'right' as const });

function print(difference: CheckpointDifference, io: CommandIo): void {
  const rows = difference.tensors.map((tensor) => {
    const { mse, sqnr, cosine, noiseRatio } = derived(tensor);
    const { name, schemes, maxError, maxErrorRow, maxErrorColumn, beyond, verdict } = tensor;
    return [
      name,
      schemes.join(' → '),
      short(mse),
      sqnr === null ? '—' : sqnr.toFixed(2),
      short(cosine, 7),
      short(maxError),
      maxErrorRow === null ? '—' : `${maxErrorRow}, ${maxErrorColumn}`,
      short(noiseRatio, 3),
      String(beyond),
      verdict,
    ];
  });
  const titles = ['MSE', 'SQNR dB', 'Cosine', 'Max error', 'at', 'Noise', 'Beyond'].map(right);
  const names = ['Tensor', 'Stored'].map((title) => ({ title }));
  writeLine(io.stdout, textTable([...names, ...titles, { title: 'Verdict' }], rows));
  const layers = difference.layers.map(
    ({ layer, tensors, mse, sqnr, cosine, maxError, verdict }) => [
      layer === null ? 'outside' : String(layer),
      String(tensors),
      short(mse),
      sqnr === null ? '—' : sqnr.toFixed(2),
      short(cosine, 7),
      short(maxError),
      verdict,
    ],
  );
  const each = ['Layer', 'Tensors', 'MSE', 'SQNR dB', 'Cosine', 'Max error'].map(right);
  writeLine(io.stdout, `\n${textTable([...each, { title: 'Worst' }], layers)}\n`);
  const findings = findingsOf(difference);
  const shown = findings.slice(0, SHOWN_FINDINGS);
  for (const { severity, message } of shown) writeLine(io.stdout, `${severity}: ${message}`);
  const more = findings.length - shown.length;
  if (more > 0) writeLine(io.stdout, `… and ${more} more; the record and --json have all`);
  if (findings.length === 0) {
    writeLine(io.stdout, 'every tensor is there, and rounding to its format explains every value');
  }
}
