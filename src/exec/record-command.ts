/** Any command as a recorded run: its directory, its figures, what its output says, its end. */
import { createReadStream, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { computeMetric } from '../analyze/formulas.ts';
import { groupSamples } from '../analyze/samples.ts';
import { indexLogs } from '../logs/index-logs.ts';
import type { LogIndex } from '../logs/log-index.ts';
import { startGpuSampler } from '../measure/bench/gpu-sampler.ts';
import { canonicalSha256 } from '../record/canonical.ts';
import { captureGit } from '../record/git.ts';
import type { Lab } from '../record/lab.ts';
import { processState } from '../record/process-state.ts';
import { redactArgv, redactStrings, secretsOf } from '../record/redact.ts';
import type { SampleRow } from '../record/rows.ts';
import { createRun, type RunWriter } from '../record/run-writer.ts';
import { readSamples } from '../record/sample-reader.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import { GPU_SAMPLES_FILE } from '../record/samples.ts';
import type { Environment, Finding, Manifest, Metric } from '../record/schema.ts';
import { writeSeal } from '../record/seal.ts';
import { EXEC_MEASURE } from './exec-measure.ts';
import { type CommandEnd, type CommandOptions, runCommand, shellStatus } from './run-command.ts';

export const EXEC_EXPERIMENT = 'exec';
/** When which bytes of run.log and run.err came. */
export const TIMES_FILE = 'output-times.csv';
/** What the dialects make of run.log and run.err. */
export const FACTS_FILE = 'logs.json';

export interface RecordOptions extends Pick<CommandOptions, 'command' | 'cwd' | 'env' | 'live'> {
  readonly lab: Lab;
  /** Default: the program's name. */
  readonly name: string | undefined;
  /** The whole command line of assay. */
  readonly argv: readonly string[];
  readonly environment: Environment;
  readonly onSignal: CommandOptions['onSignal'];
}

export interface RecordedCommand {
  readonly manifest: Manifest;
  readonly dir: string;
  readonly end: CommandEnd;
  /** For our own exit: the command's. */
  readonly status: number;
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly logs: LogIndex;
}

/** Throws StorageError when the run directory cannot be made or closed. */
export async function recordCommand(options: RecordOptions): Promise<RecordedCommand> {
  const { lab, command, cwd, env, live } = options;
  const run = createRun(lab, await fieldsOf(options), { ...processState(), env });
  const gpu = watchGpus(run, env);
  const paths = { log: run.logPath, err: run.errorLogPath, times: join(run.dir, TIMES_FILE) };
  const nowMs = (): number => performance.now();
  const { onSignal } = options;
  const end = await runCommand({ command, cwd, env, live, paths, nowMs, onSignal });
  const gpuRows = await gpu.stop();
  appendRow(run, end);
  const logs = await indexLogs(run.dir);
  const facts = redactStrings(logs, run.secrets);
  writeFileSync(join(run.dir, FACTS_FILE), `${JSON.stringify(facts, null, 1)}\n`);
  const metrics = metricsOf(run, gpuRows);
  const findings = [...endFindings(end, logs), ...(await secretFindings(run))];
  const manifest = await run.close({ ...outcomeOf(end), summary: { metrics }, findings });
  writeSeal(lab);
  return { manifest, dir: run.dir, end, status: shellStatus(end), metrics, logs };
}

async function fieldsOf(options: RecordOptions): Promise<Parameters<typeof createRun>[1]> {
  const { command, cwd, name, argv, env, environment } = options;
  const shown = redactArgv([...command], secretsOf(env, command));
  return {
    experiment: EXEC_EXPERIMENT,
    cell: name ?? basename(command[0] as string),
    measure: EXEC_MEASURE,
    variant: { model: 'none', scheme: 'none' },
    argv: [...argv],
    config: { command: shown, cwd },
    cellKey: canonicalSha256({ command: shown, cwd }),
    resumedFrom: null,
    environment,
    seeds: {},
    git: await captureGit(cwd),
  };
}

function watchGpus(
  run: RunWriter,
  env: RecordOptions['env'],
): { stop(): Promise<readonly SampleRow[]> } {
  const startMs = performance.now();
  let writer: SampleWriter | null = null;
  const path = join(run.dir, GPU_SAMPLES_FILE);
  const sampler = startGpuSampler({
    env,
    nowMs: () => performance.now() - startMs,
    onReading(reading) {
      writer ??= new SampleWriter(path);
      writer.append([{ kind: 'gpu', ...reading }]);
    },
  });
  return {
    async stop() {
      await sampler.stop();
      if (writer === null) return [];
      writer.sync();
      writer.close();
      return readSamples(path).rows;
    },
  };
}

function appendRow(run: RunWriter, end: CommandEnd): void {
  const { exitStatus, signal, wallMs, cpuMs, peakRssBytes, readings } = end;
  const writer = new SampleWriter(run.samplesPath);
  try {
    const usage = { wallMs, cpuMs, peakRssBytes, readings };
    writer.append([{ kind: 'process', exitStatus, signal, ...usage }]);
    writer.sync();
  } finally {
    writer.close();
  }
}

/** From the rows as they are on disk, as everywhere. */
function metricsOf(run: RunWriter, gpuRows: readonly SampleRow[]): Record<string, Metric> {
  const samples = groupSamples([...readSamples(run.samplesPath).rows, ...gpuRows]);
  const metric = (formula: string): Metric => computeMetric({ formula, params: {} }, samples);
  return {
    durationSeconds: metric('exec.duration/1'),
    cpuSeconds: metric('exec.cpu-time/1'),
    peakMemoryBytes: metric('exec.peak-memory/1'),
    ...(gpuRows.length === 0
      ? {}
      : {
          gpuUtilization: metric('bench.gpu-utilization/1'),
          gpuPeakMemoryBytes: metric('bench.gpu-peak-memory/1'),
          gpuPowerW: metric('bench.gpu-power/1'),
        }),
  };
}

function outcomeOf(end: CommandEnd): Pick<Manifest, 'reason'> & {
  status: 'succeeded' | 'failed' | 'cancelled' | 'invalid';
} {
  const { exitStatus, signal, received, notStarted, output, errors } = end;
  const lost = output.lost ?? errors.lost;
  if (lost instanceof Error) {
    return { status: 'invalid', reason: `its output is not whole: ${lost.message}` };
  }
  if (notStarted) return { status: 'failed', reason: `cannot be started: ${notStarted.message}` };
  const how = signal === null ? `exit status ${exitStatus}` : `ended by ${signal}`;
  const asked = received.length === 0 ? null : `${how} after ${named(received)}`;
  // A server that is told to stop, and stops, has done what it is for.
  if (exitStatus === 0) return { status: 'succeeded', reason: asked };
  if (asked !== null) return { status: 'cancelled', reason: asked };
  return { status: 'failed', reason: how };
}

const named = (received: CommandEnd['received']): string => [...new Set(received)].join(', ');

function endFindings({ received, lingering, exitStatus }: CommandEnd, logs: LogIndex): Finding[] {
  const findings: Finding[] = [];
  if (received.length > 0) {
    const message = `interrupted by ${named(received)}, which the command was given`;
    findings.push({ code: 'interrupted', severity: 'warning', message });
  }
  if (lingering) {
    const message = 'a process that it left behind kept its output open; what came later is lost';
    findings.push({ code: 'output-still-open', severity: 'warning', message });
  }
  const bad = logs.files.find(({ signs }) => signs.some(({ kind }) => kind === 'error'));
  if (exitStatus === 0 && bad?.outcomeEvidence) {
    const { path, line, text } = bad.outcomeEvidence;
    const message = `exit status 0, but ${path} line ${line} says: ${text}`;
    findings.push({ code: 'log-contradicts-exit', severity: 'warning', message });
  }
  return findings;
}

/** Output is kept byte for byte, so a secret in it can only be named. */
async function secretFindings(run: RunWriter): Promise<Finding[]> {
  const { values } = run.secrets;
  if (values === null) return [];
  const findings: Finding[] = [];
  for (const path of [run.logPath, run.errorLogPath]) {
    if (!(await holds(path, values))) continue;
    const name = basename(path);
    const message = `${name} holds the value of a secret variable: do not publish it as it is`;
    findings.push({ code: 'secret-in-output', severity: 'error', message, place: name });
  }
  return findings;
}

/** Longest secret that is found across two chunks. */
const OVERLAP = 8192;

async function holds(path: string, values: RegExp): Promise<boolean> {
  const pattern = new RegExp(values.source);
  let before = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 18 })) {
    const text = before + String(chunk);
    if (pattern.test(text)) return true;
    before = text.slice(-OVERLAP);
  }
  return false;
}
