/** The loop that all scoring measures share: batch in, rows out, one write a batch. */
import { performance } from 'node:perf_hooks';
import type { Engine, ScoredWindow, TokenWindow } from '../engine/engine.ts';
import { Cancelled } from '../record/errors.ts';
import type { SampleRow } from '../record/rows.ts';

/** What a measure hands to the loop: batches of sequence indices and what to make of a result. */
export interface ScoringPlan {
  readonly batches: readonly (readonly number[])[];
  windowAt(index: number): TokenWindow;
  rowOf(index: number, batch: number, scored: ScoredWindow): SampleRow;
}

export interface SampleSink {
  /** Returns when the rows are acknowledged: they then survive a kill of this process. */
  append(rows: readonly SampleRow[]): void;
  /** Makes all acknowledged rows survive a power loss. */
  sync(): void;
}

export interface ScoringOptions {
  readonly engine: Engine;
  readonly plan: ScoringPlan;
  readonly sink: SampleSink;
  readonly signal: AbortSignal;
  /** Batches whose rows an interrupted attempt acknowledged already. */
  readonly done: ReadonlySet<number>;
  onProgress(progress: { batches: number; ofBatches: number; tokens: number }): void;
}

/** fsync costs milliseconds; a second of work is what a power loss may take. */
const SYNC_EVERY_MS = 1_000;

export async function scoreBatches(options: ScoringOptions): Promise<void> {
  const { engine, plan, sink, signal, done } = options;
  let lastSync = performance.now();
  let warmup = true;
  for (const [batch, members] of plan.batches.entries()) {
    if (done.has(batch)) continue;
    if (signal.aborted) throw new Cancelled();
    const windows = members.map((index) => plan.windowAt(index));
    const start = performance.now();
    const scored = await engine.score(windows, signal);
    const ms = performance.now() - start;
    const rows = members.map((index, i) => plan.rowOf(index, batch, scored[i] as ScoredWindow));
    const tokens = windows.reduce((n, window) => n + window.ids.length, 0);
    const counted = windows.reduce((n, window) => n + window.ids.length - window.scoreFrom, 0);
    const close = { batch, rows: rows.length, tokens, scored: counted, ms, warmup };
    sink.append([...rows, { kind: 'batch', ...close }]);
    warmup = false;
    if (performance.now() - lastSync > SYNC_EVERY_MS) {
      sink.sync();
      lastSync = performance.now();
    }
    options.onProgress({ batches: batch + 1, ofBatches: plan.batches.length, tokens });
  }
  sink.sync();
}

const REPEATED_BATCHES = 8;

/** Scores up to 8 batches, evenly spread, twice more and compares the raw bits of both passes. */
export async function checkRepeat(
  options: Pick<ScoringOptions, 'engine' | 'plan' | 'sink' | 'signal'>,
): Promise<void> {
  const { engine, plan, sink, signal } = options;
  const count = Math.min(REPEATED_BATCHES, plan.batches.length);
  const rows: SampleRow[] = [];
  for (let i = 0; i < count; i++) {
    const batch = Math.floor((i * plan.batches.length) / count);
    const windows = (plan.batches[batch] as number[]).map((index) => plan.windowAt(index));
    const first = await engine.score(windows, signal);
    const second = await engine.score(windows, signal);
    const bitEqual = first.every((window, j) => sameBits(window, second[j] as ScoredWindow));
    rows.push({ kind: 'repeat', batch, bitEqual });
  }
  sink.append(rows);
  sink.sync();
}

function sameBits(a: ScoredWindow, b: ScoredWindow): boolean {
  const bytes = (x: Float32Array): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return (
    bytes(a.logp).equals(bytes(b.logp)) &&
    bytes(a.topLogp).equals(bytes(b.topLogp)) &&
    bytes(a.sumSquares).equals(bytes(b.sumSquares)) &&
    Buffer.from(a.hit).equals(Buffer.from(b.hit))
  );
}
