/** What supervisor and worker say to each other over the IPC channel. */
import type { EngineInfo, Finding, ModelIdentity } from '../record/schema.ts';
import type { Cell } from './cell.ts';

export interface Job {
  readonly type: 'job';
  readonly cell: Cell;
  readonly builtinDir: string;
  readonly samplesPath: string;
  /** Batches whose rows were taken over from an interrupted attempt. */
  readonly doneBatches: readonly number[];
}

export type ToWorker = Job | { readonly type: 'abort' };

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
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly error: WorkerError };
