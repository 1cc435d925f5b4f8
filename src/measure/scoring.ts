/** The loop that all scoring measures share: batch in, rows out, one write a batch. */
import { performance } from 'node:perf_hooks';
import type { Engine, ScoredWindow, TokenWindow } from '../engine/engine.ts';
import { Cancelled } from '../record/errors.ts';
import type { SampleRow } from '../record/rows.ts';

/** What a measure hands to the loop: batches of indices, and what one pass over a batch gives. */
export interface BatchPlan {
  readonly batches: readonly (readonly number[])[];
  /** Fed over all batches, without padding. */
  tokens(): number;
  pass(
    engine: Engine,
    members: readonly number[],
    of: { readonly batch: number; readonly signal: AbortSignal },
  ): Promise<Pass>;
}

export interface Pass {
  readonly rows: readonly SampleRow[];
  /** Fed, without padding. */
  readonly tokens: number;
  readonly scored: number;
  /** Time inside the engine. */
  readonly ms: number;
  /** What the engine gave, to compare bits. */
  readonly raw: readonly ArrayBufferView[];
}

/** A plan that scores one window an index. */
export interface ScoringPlan {
  readonly batches: BatchPlan['batches'];
  windowAt(index: number): TokenWindow;
  rowOf(index: number, batch: number, scored: ScoredWindow): SampleRow;
}

export function windowPlan(plan: ScoringPlan): BatchPlan {
  return {
    batches: plan.batches,
    tokens: () => fed(plan.batches.flat().map((index) => plan.windowAt(index))),
    async pass(engine, members, { batch, signal }) {
      const windows = members.map((index) => plan.windowAt(index));
      const [scored, ms] = await timed(() => engine.score(windows, signal));
      return {
        rows: members.map((index, i) => plan.rowOf(index, batch, scored[i] as ScoredWindow)),
        tokens: fed(windows),
        scored: windows.reduce((n, window) => n + window.ids.length - window.scoreFrom, 0),
        ms,
        raw: scored.flatMap(rawOf),
      };
    },
  };
}

export function rawOf({ logp, hit, topLogp, sumSquares }: ScoredWindow): ArrayBufferView[] {
  return [logp, hit, topLogp, sumSquares];
}

/** Tokens, without padding. */
export function fed(windows: readonly TokenWindow[]): number {
  return windows.reduce((n, window) => n + window.ids.length, 0);
}

/** What the work gives, and how long it took, ms. */
export async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const found = await work();
  return [found, performance.now() - start];
}

export interface SampleSink {
  /** Returns when the rows are acknowledged: they then survive a kill of this process. */
  append(rows: readonly SampleRow[]): void;
  /** Makes all acknowledged rows survive a power loss. */
  sync(): void;
}

export interface ScoringOptions {
  readonly engine: Engine;
  readonly plan: BatchPlan;
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
    const { rows, tokens, scored, ms } = await plan.pass(engine, members, { batch, signal });
    const close = { batch, rows: rows.length, tokens, scored, ms, warmup };
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
    const members = plan.batches[batch] as number[];
    const first = await plan.pass(engine, members, { batch, signal });
    const second = await plan.pass(engine, members, { batch, signal });
    const bitEqual = first.raw.every((values, j) =>
      sameBits(values, second.raw[j] as ArrayBufferView),
    );
    rows.push({ kind: 'repeat', batch, bitEqual });
  }
  sink.append(rows);
  sink.sync();
}

function sameBits(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytes = (x: ArrayBufferView): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}
