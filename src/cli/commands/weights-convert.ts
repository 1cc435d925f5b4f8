/** What `dequantize`, `quantize` and `repack` share: plan, write, verify, publish, record. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { recordLook } from '../../experiment/weights-run.ts';
import { sha256File } from '../../record/canonical.ts';
import { captureEnvironment } from '../../record/environment.ts';
import { findLab } from '../../record/lab.ts';
import type { SampleRow } from '../../record/rows.ts';
import type { Finding } from '../../record/schema.ts';
import { textTable } from '../../report/table.ts';
import {
  bytesOfTensor,
  type ConversionPlan,
  type ConversionStep,
} from '../../weights/convert/conversion-plan.ts';
import { verifyCheckpoint } from '../../weights/convert/verify-checkpoint.ts';
import {
  discard,
  freeBytes,
  publish,
  refuseDestination,
  type Written,
  writeCheckpoint,
} from '../../weights/convert/write-checkpoint.ts';
import { type LookedAt, lookAt } from '../../weights/looked-at.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { progressLines } from '../looking-progress.ts';
import { packageRoot } from '../package.ts';

export interface ConvertOptions {
  in: string;
  out: string;
  verify: boolean;
  hash: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export interface Conversion {
  readonly verb: 'dequantize' | 'quantize' | 'repack';
  readonly scheme: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly plan: (input: LookedAt) => ConversionPlan;
}

interface Times {
  readonly convertMs: number;
  readonly fsyncMs: number;
  /** null: left out. */
  readonly verifyMs: number | null;
  readonly hashMs: number | null;
}

interface OutputFileRecord {
  readonly path: string;
  readonly sha256: string;
}

export async function convert(
  options: ConvertOptions,
  conversion: Conversion,
  io: CommandIo,
): Promise<number> {
  const input = lookAt(options.in);
  try {
    const plan = conversion.plan(input);
    const to = { from: options.in, out: options.out };
    refuseDestination(to, plan.fileBytes);
    if (options.dryRun) {
      printPlan(plan, options, io);
      return 0;
    }
    let times: Times | null = null;
    const { manifest, dir } = await recordLook(
      {
        lab: findLab(io.cwd),
        verb: conversion.verb,
        scheme: conversion.scheme,
        subjects: [{ path: options.in, files: input.files }],
        settings: { ...conversion.settings, out: options.out },
        hash: options.hash,
        argv: io.argv,
        cwd: io.cwd,
        environment: await captureEnvironment({ packageRoot: packageRoot(), env: io.env }),
        metrics: [],
      },
      async (append) => {
        append(stepsOf(plan).map(rowOf));
        const progress = progressLines(io, stepsOf(plan).length);
        const written = await writeCheckpoint(plan, to, {
          readAt: input.readAt,
          signal: io.signal,
          onTensor: (file, tensor) => progress(`${file}: ${tensor}`),
        });
        const finished = await finish({ plan, written, input }, options);
        times = finished.times;
        return [timesFinding(finished.times), ...finished.files.map(fileFinding)];
      },
    );
    report({ plan, times: times!, runId: manifest.runId, dir }, options, io);
    return 0;
  } finally {
    input.close();
  }
}

interface Unfinished {
  readonly plan: ConversionPlan;
  readonly written: Written;
  readonly input: LookedAt;
}

async function finish({ plan, written, input }: Unfinished, options: ConvertOptions) {
  const { convertMs, fsyncMs } = written;
  try {
    const started = performance.now();
    if (options.verify) verifyCheckpoint(plan, written, input.readAt);
    const verified = performance.now();
    const files: OutputFileRecord[] = [];
    if (options.hash) {
      for (const path of readdirSync(written.dir).filter((name) => !name.startsWith('.'))) {
        files.push({ path, sha256: await sha256File(join(written.dir, path)) });
      }
    }
    const hashMs = options.hash ? performance.now() - verified : null;
    publish(written, options.out);
    const verifyMs = options.verify ? verified - started : null;
    return { files, times: { convertMs, fsyncMs, verifyMs, hashMs } };
  } catch (error) {
    discard(written);
    throw error;
  }
}

const stepsOf = ({ files }: ConversionPlan): ConversionStep[] =>
  files.flatMap(({ steps }) => steps);

const bytesOf = ({ outputs }: ConversionStep): number =>
  outputs.reduce((sum, output) => sum + bytesOfTensor(output), 0);

function rowOf(step: ConversionStep): SampleRow {
  const { tensor, scheme, group, reason } = step;
  const { name, shape } = tensor;
  const bytes = bytesOf(step);
  return { kind: 'tensor', name, shape: [...shape], scheme, group, bytes, reason };
}

const seconds = (ms: number | null): string => (ms === null ? 'skipped' : `${seconds3(ms)} s`);
const seconds3 = (ms: number): string => (ms / 1_000).toFixed(3);

function timesText({ convertMs, fsyncMs, verifyMs, hashMs }: Times): string {
  return [
    `conversion ${seconds(convertMs)}`,
    `flush ${seconds(fsyncMs)}`,
    `verification ${seconds(verifyMs)}`,
    `hashing ${seconds(hashMs)}`,
  ].join(', ');
}

function timesFinding(times: Times): Finding {
  const evidence = { ...times };
  return { code: 'conversion-times', severity: 'info', message: timesText(times), evidence };
}

function fileFinding({ path, sha256 }: OutputFileRecord): Finding {
  const message = `${path} was written with SHA-256 ${sha256}`;
  return { code: 'written-file', severity: 'info', message, place: path, evidence: { sha256 } };
}

function printPlan(plan: ConversionPlan, options: ConvertOptions, io: CommandIo): void {
  const free = freeBytes(options.out);
  const { fileBytes } = plan;
  if (options.json) {
    const tensors = stepsOf(plan).map((step) => ({ ...rowOf(step), kind: step.action.kind }));
    writeJson(io.stdout, { out: options.out, fileBytes, freeBytes: free, tensors });
    return;
  }
  const rows = stepsOf(plan).map((step) => [
    step.tensor.name,
    step.scheme,
    step.tensor.shape.join('×'),
    String(bytesOf(step)),
    step.reason ?? '',
  ]);
  const columns = [
    ...['Tensor', 'Becomes', 'Shape'].map((title) => ({ title })),
    { title: 'Bytes', align: 'right' as const },
    { title: 'Kept because' },
  ];
  writeLine(io.stdout, textTable(columns, rows));
  writeLine(io.stdout, `\n${plan.files.length} files, ${fileBytes} bytes; ${free} bytes are free`);
}

interface Result {
  readonly plan: ConversionPlan;
  readonly times: Times;
  readonly runId: string;
  readonly dir: string;
}

function report({ plan, times, runId, dir }: Result, options: ConvertOptions, io: CommandIo) {
  const { tensorBytes, fileBytes, files } = plan;
  if (options.json) {
    const { out } = options;
    writeJson(io.stdout, { runId, out, files: files.length, tensorBytes, fileBytes, ...times });
    return;
  }
  writeLine(io.stdout, `${options.out}: ${files.length} files, ${fileBytes} bytes`);
  writeLine(io.stderr, timesText(times));
  writeLine(io.stderr, `recorded: ${relative(io.cwd, dir)}`);
}
