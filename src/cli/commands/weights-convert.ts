/** What `dequantize`, `quantize` and `repack` share: flags in, a recorded conversion, words out. */
import { relative } from 'node:path';
import {
  bytesOfStep,
  type Conversion,
  recordConversion,
  rowOf,
  stepsOf,
  timesText,
} from '../../experiment/conversion-run.ts';
import { captureEnvironment } from '../../record/environment.ts';
import { findLab } from '../../record/lab.ts';
import { textTable } from '../../report/table.ts';
import type { ConversionPlan } from '../../weights/convert/conversion-plan.ts';
import { freeBytes, refuseDestination } from '../../weights/convert/destination.ts';
import type { ConversionTimes } from '../../weights/convert/write-checkpoint.ts';
import { type LookedAt, lookAt } from '../../weights/looked-at.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { progressLines } from '../looking-progress.ts';
import { packageRoot } from '../package.ts';

export interface ConvertOptions {
  in: string;
  out: string;
  verify: boolean;
  hash: boolean;
  workers?: number;
  dryRun?: boolean;
  json?: boolean;
}

export interface ConversionRequest extends Pick<Conversion, 'verb' | 'scheme' | 'settings'> {
  readonly plan: (input: LookedAt) => ConversionPlan;
}

export async function convert(
  options: ConvertOptions,
  conversion: ConversionRequest,
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
    const progress = progressLines(io, stepsOf(plan).length);
    const { manifest, dir, times } = await recordConversion(
      { ...conversion, input, plan, out: options.out },
      {
        lab: findLab(io.cwd),
        verify: options.verify,
        hash: options.hash,
        ...(options.workers === undefined ? {} : { workers: options.workers }),
        argv: io.argv,
        cwd: io.cwd,
        environment: await captureEnvironment({ packageRoot: packageRoot(), env: io.env }),
        signal: io.signal,
        onTensor: (file, tensor) => progress(`${file}: ${tensor}`),
      },
    );
    report({ plan, times, runId: manifest.runId, dir }, options, io);
    return 0;
  } finally {
    input.close();
  }
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
    String(bytesOfStep(step)),
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
  readonly times: ConversionTimes;
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
