/** What supervising an experiment takes, tells and gives. */
import type { Lab } from '../record/lab.ts';
import type { Environment, Manifest } from '../record/schema.ts';
import type { Cell } from './cell.ts';
import type { WorkerError } from './protocol.ts';

export type ExperimentEvent =
  | { type: 'cell-start'; cell: Cell; index: number; of: number; resumed: number }
  | { type: 'cell-plan'; cell: Cell; batches: number; scoredTokens: number }
  | { type: 'cell-progress'; cell: Cell; batches: number; tokens: number }
  | { type: 'cell-end'; cell: Cell; manifest: Manifest }
  | { type: 'cell-reused'; cell: Cell; runId: string }
  | { type: 'checkpoint-write'; cell: Cell; path: string }
  /** `resumed`: rounds of all cells that interrupted attempts left. */
  | { type: 'bench-start'; cells: number; variants: number; rounds: number; resumed: number }
  | { type: 'cold-start'; cell: Cell; index: number; of: number }
  | { type: 'variant-load'; cell: Cell }
  | { type: 'bench-round'; round: number; of: number }
  | { type: 'bench-progress'; slices: number; of: number };

export interface SuperviseContext {
  readonly lab: Lab;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly builtinDir: string;
  readonly packageRoot: string;
  /** Take results that are there already (same model bytes, data, settings). Default true. */
  readonly reuse?: boolean;
  /** Take over the rows of interrupted attempts. Default true. */
  readonly resume?: boolean;
  /** One supervisor an experiment. Default true; false for one-cell experiments made of flags. */
  readonly exclusive?: boolean;
  onEvent(event: ExperimentEvent): void;
}

/** What is found out once, and recorded with every run. */
export interface SuperviseState extends SuperviseContext {
  readonly environment: Environment;
  readonly git: Manifest['git'];
}

export interface CellOutcome {
  readonly cell: Cell;
  readonly runId: string;
  readonly status: Manifest['status'];
  readonly reason: string | null;
  /** It was there already: same model bytes, same data, same settings. */
  readonly reused: boolean;
  readonly error: WorkerError | null;
}

export interface ExperimentOutcome {
  /** In the order of the plan. */
  readonly cells: readonly CellOutcome[];
  readonly cancelled: boolean;
}
