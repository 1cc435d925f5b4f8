/** The one place where samples become metrics and a run gets its final status. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { groupSamples, type Samples } from '../analyze/samples.ts';
import type { RunWriter } from '../record/run-writer.ts';
import { readSamples } from '../record/sample-reader.ts';
import { GPU_SAMPLES_FILE } from '../record/samples.ts';
import type { EngineInfo, Finding, Manifest, ModelIdentity } from '../record/schema.ts';
import type { Cell } from './cell.ts';
import { deriveMetrics } from './metrics.ts';
import { suspectFindings } from './suspect.ts';
import { taskChecks } from './task-checks.ts';
import type { WorkerEnd } from './worker-process.ts';

export interface ClosingFacts {
  readonly cell: Cell;
  readonly end: WorkerEnd;
  readonly engine: EngineInfo | null;
  readonly model: ModelIdentity | null;
  readonly findings: readonly Finding[];
}

export async function closeRun(run: RunWriter, facts: ClosingFacts): Promise<Manifest> {
  const { cell, end, engine } = facts;
  const model = facts.model ?? cell.identity;
  const read = existsSync(run.samplesPath)
    ? readSamples(run.samplesPath)
    : { rows: [], torn: null, corrupt: [] };
  const gpuPath = join(run.dir, GPU_SAMPLES_FILE);
  const gpuRows = existsSync(gpuPath) ? readSamples(gpuPath).rows : [];
  const samples = groupSamples([...read.rows, ...gpuRows]);
  const findings = [...facts.findings, ...checks(samples, facts)];
  if (read.torn) {
    const cut = `after ${read.torn.bytes} bytes and is not counted`;
    const message = `the last line of samples.jsonl was cut off ${cut}`;
    findings.push({ code: 'torn-sample', severity: 'warning', message });
  }
  const nonFinite = countNonFinite(samples);
  const invalid = end.status === 'succeeded' && nonFinite > 0;
  const status = invalid ? 'invalid' : end.status;
  const reason = invalid ? `${nonFinite} rows hold NaN or Inf log probabilities` : end.reason;
  // A run that did not finish has rows but no result: half a corpus is another corpus.
  const summary =
    status === 'succeeded' || status === 'invalid'
      ? { metrics: deriveMetrics({ ...cell, cores: cores(run) }, samples, { engine, model }) }
      : null;
  findings.push(...suspectFindings(summary?.metrics ?? {}));
  return run.close({ status, reason, summary, findings, engine, model });
}

function cores(run: RunWriter): number {
  return run.manifest.environment.cpu.logicalCores;
}

function countNonFinite(samples: Samples): number {
  const windows = samples.windows.filter((row) => row.logp.includes(null)).length;
  return windows + samples.items.filter(isNonFinite).length;
}

function isNonFinite({ logp, scores }: Samples['items'][number]): boolean {
  return logp === null || (scores?.includes(null) ?? false);
}

/** Seed document 001's checks, each as a finding that says what it saw. */
function checks(samples: Samples, { cell, end, engine }: ClosingFacts): Finding[] {
  const findings: Finding[] = [];
  if (engine && samples.tensors.length > 0) {
    const load = samples.loads.at(-1)?.loadMs ?? 0;
    const seconds = (load / 1_000).toFixed(2);
    const message = `the model loads: ${samples.tensors.length} tensors in ${seconds} s`;
    findings.push({ code: 'model-loads', severity: 'info', message });
  }
  const bad = samples.windows.find((row) => row.logp.includes(null));
  if (bad) {
    const token = bad.scoreFrom + bad.logp.indexOf(null);
    const place = `document ${bad.document}, window ${bad.window}, token ${token}`;
    const share = `${countNonFinite(samples)} of ${samples.windows.length}`;
    const message = `${share} windows gave NaN or Inf; first: ${place}`;
    findings.push({ code: 'non-finite', severity: 'error', message, place });
  }
  const item = samples.items.find(isNonFinite);
  if (item) {
    const share = `${countNonFinite(samples)} of ${samples.items.length}`;
    const place = `item ${item.item}`;
    const message = `${share} items gave NaN or Inf; first: ${place}`;
    findings.push({ code: 'non-finite', severity: 'error', message, place });
  }
  const scores = cell.measure.kind === 'eval' || cell.measure.kind === 'task';
  if (!bad && !item && end.status === 'succeeded' && scores) {
    const message = 'every scored log probability is finite';
    findings.push({ code: 'finite', severity: 'info', message });
  }
  if (cell.measure.kind === 'task') findings.push(...taskChecks(samples, cell.measure));
  if (samples.repeats.length > 0) {
    const equal = samples.repeats.filter((row) => row.bitEqual).length;
    const all = equal === samples.repeats.length;
    const message = `${equal} of ${samples.repeats.length} repeated batches gave the same bits`;
    findings.push({
      code: all ? 'repeat-bit-equal' : 'repeat-differs',
      severity: all ? 'info' : 'warning',
      message,
    });
  }
  return findings;
}
