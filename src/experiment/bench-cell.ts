/** A bench cell while it is measured: its run directory, its time, and how it is closed. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SampleRow } from '../record/rows.ts';
import type { RunWriter } from '../record/run-writer.ts';
import { SampleWriter } from '../record/sample-writer.ts';
import { GPU_SAMPLES_FILE } from '../record/samples.ts';
import type { Finding } from '../record/schema.ts';
import type { BenchCell } from './cell.ts';
import { closeRun } from './close-run.ts';
import type { WorkerError } from './protocol.ts';
import type { CellOutcome, SuperviseState } from './supervise-context.ts';
import type { Ready, TimeLeft } from './variant-worker.ts';
import type { WorkerEnd } from './worker-process.ts';

const SUCCEEDED: WorkerEnd = { status: 'succeeded', reason: null, error: null };

export class OpenBenchCell {
  readonly cell: BenchCell;
  readonly run: RunWriter;
  readonly findings: Finding[] = [];
  /** Rounds that are missing. */
  readonly missing: Set<number>;
  ready: Ready | null = null;
  outcome: CellOutcome | null = null;
  #usedMs = 0;
  #gpu: SampleWriter | null = null;

  constructor(of: { cell: BenchCell; run: RunWriter; done: readonly number[] }) {
    this.cell = of.cell;
    this.run = of.run;
    const rounds = Array.from({ length: of.cell.measure.rounds }, (_, round) => round);
    this.missing = new Set(rounds.filter((round) => !of.done.includes(round)));
  }

  get isOpen(): boolean {
    return this.outcome === null;
  }

  used(ms: number): void {
    this.#usedMs += ms;
  }

  timeLeft(): TimeLeft {
    const { timeoutS } = this.cell;
    // Of a limit that is used up something is left to fail by, at the next slice.
    return timeoutS === null
      ? null
      : { ms: Math.max(1, timeoutS * 1_000 - this.#usedMs), timeoutS };
  }

  /** A finding is told by every process that worked on the run, and recorded once. */
  add(finding: Finding): void {
    const known = this.findings.some(({ code, message }) => {
      return code === finding.code && message === finding.message;
    });
    if (!known) this.findings.push(finding);
  }

  appendGpu(row: SampleRow): void {
    this.#gpu ??= new SampleWriter(join(this.run.dir, GPU_SAMPLES_FILE));
    this.#gpu.append([row]);
  }

  /** What the worker says goes into the log of every cell that it still works for. */
  appendLog(stream: 'stdout' | 'stderr', text: string): void {
    if (!this.isOpen || text === '') return;
    appendFileSync(stream === 'stdout' ? this.run.logPath : this.run.errorLogPath, text);
  }

  async close(end: WorkerEnd, { onEvent }: SuperviseState): Promise<CellOutcome> {
    this.#gpu?.sync();
    this.#gpu?.close();
    for (const stream of ['stdout', 'stderr'] as const) {
      const path = stream === 'stdout' ? this.run.logPath : this.run.errorLogPath;
      appendFileSync(path, '');
    }
    const { cell, run, findings, ready } = this;
    const facts = { engine: ready?.engine ?? null, model: ready?.model ?? null, findings };
    const manifest = await closeRun(run, { cell, end, ...facts });
    onEvent({ type: 'cell-end', cell, manifest });
    const { status, reason } = manifest;
    const { error } = end;
    this.outcome = { cell, runId: run.runId, status, reason, reused: false, error };
    return this.outcome;
  }

  succeed(state: SuperviseState): Promise<CellOutcome> {
    return this.close(SUCCEEDED, state);
  }

  fail(error: WorkerError, state: SuperviseState): Promise<CellOutcome> {
    const reason = `${error.code}: ${error.message}`;
    return this.close({ status: 'failed', reason, error }, state);
  }
}
