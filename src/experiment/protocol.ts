/** What supervisor and worker say to each other over the IPC channel. */
import type { BenchProgress } from '../measure/bench/round.ts';
import type { EngineInfo, Finding, ModelIdentity } from '../record/schema.ts';
import type { BenchCell, SoloCell } from './cell.ts';

/** Measure one cell, then exit. */
export interface Job {
  readonly type: 'job';
  readonly cell: SoloCell;
  readonly builtinDir: string;
  readonly samplesPath: string;
  /** Batches whose rows were taken over from an interrupted attempt. */
  readonly doneBatches: readonly number[];
}

/** Load one variant, then measure slices of its cells until told to finish. */
export interface BenchJob {
  readonly type: 'bench';
  readonly builtinDir: string;
  /** Of one variant: same model, same engine settings. */
  readonly cells: readonly BenchJobCell[];
}

export interface BenchJobCell {
  readonly cell: BenchCell;
  readonly samplesPath: string;
  /** Counts the processes that worked on the run. */
  readonly part: number;
  /** The tensors of the model are recorded already. */
  readonly tensors: boolean;
  readonly progress: BenchProgress;
}

/** Load the model, give one token, exit. */
export interface ColdStartJob {
  readonly type: 'cold-start';
  readonly builtinDir: string;
  readonly cell: BenchCell;
}

/** One round of one cell. */
export interface SliceRequest {
  readonly type: 'slice';
  /** Name of the cell. */
  readonly cell: string;
  readonly round: number;
  readonly startedMs: number;
}

export type ToWorker =
  | Job
  | BenchJob
  | ColdStartJob
  | SliceRequest
  | { readonly type: 'finish' }
  | { readonly type: 'abort' };

export interface WorkerError {
  readonly code: string;
  readonly exitCode: number;
  readonly message: string;
  readonly hint: string | null;
  readonly details: Record<string, unknown>;
}

export type FromWorker =
  | { readonly type: 'ready'; readonly engine: EngineInfo; readonly model: ModelIdentity }
  | { readonly type: 'plan'; readonly batches: number; readonly scoredTokens: number }
  | { readonly type: 'progress'; readonly batches: number; readonly tokens: number }
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'first-token'; readonly loadMs: number }
  | { readonly type: 'slice-done' }
  /** The cell cannot go on; the worker can. */
  | { readonly type: 'slice-failed'; readonly error: WorkerError }
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly error: WorkerError };
