/** One point of the matrix: everything a worker needs, as plain JSON. */
import type { BenchSettings } from '../measure/bench/plan.ts';
import type { TaskMethod } from '../measure/task/plan.ts';
import type { ModelIdentity } from '../record/schema.ts';
import type { OutputFormat } from '../weights/convert/output-format.ts';
import type { EvalSettings, TaskSettings, TraceOptions } from './measure-settings.ts';

export interface EngineSettings {
  /** Resolved reference: a directory, `builtin:…`, `dummy:…` or a hub id. */
  readonly model: string;
  readonly scheme: string;
  readonly activations: 'int8' | 'f32';
  /** Absent: the CPU. */
  readonly device?: 'webgpu';
  readonly threads: number | null;
  readonly ignore: readonly string[];
  readonly seed: number;
  /** The scheme is read from a checkpoint that was written first; absent: quantized in memory. */
  readonly weights?: 'disk';
}

/** Measures that score what is there, one cell a process. */
export type ScoringMeasure =
  | ({ readonly kind: 'eval'; readonly corpusPath: string } & Omit<EvalSettings, 'corpus'>)
  | TaskMeasure;

export interface TaskMeasure extends Omit<TaskSettings, 'file' | 'method'> {
  readonly kind: 'task';
  readonly filePath: string;
  readonly method: TaskMethod;
}

/** One batch size of a benchmark. */
export interface BenchMeasure extends BenchSettings {
  readonly kind: 'bench';
  /** Fresh processes to start; 0 for all batch sizes but the smallest. */
  readonly cold_starts: number;
  /** Tokens of the longest prompt that is used, with this model's tokenizer. */
  readonly longest_prompt: number;
}

/** Routing of a mixture of experts, one cell a process. */
export interface TraceMeasure extends Omit<TraceOptions, 'prompts'> {
  readonly kind: 'trace';
  readonly promptsPath: string;
}

export type MeasureSettings = ScoringMeasure | TraceMeasure | BenchMeasure;

/** What a cell is measured with, beside what it was planned with. */
export interface CellCheckpoint {
  /** Absolute. */
  readonly dir: string;
  /** Relative to the lab. */
  readonly path: string;
  readonly format: OutputFormat;
  /** The recorded conversion. */
  readonly run: string;
  readonly identity: ModelIdentity;
}

export interface Cell {
  readonly experiment: string;
  /** Directory name under the experiment. */
  readonly name: string;
  /** Which of the experiment's models it is. */
  readonly modelIndex: number;
  readonly engine: EngineSettings;
  readonly measure: MeasureSettings;
  readonly seed: number;
  readonly timeoutS: number | null;
  readonly identity: ModelIdentity;
  /** SHA-256 of the corpus, the labelled set or the prompts; of nothing where they are drawn. */
  readonly dataSha256: string;
  /** SHA-256 of all that decides the result. */
  readonly key: string;
  /** Of `weights: disk`, once it is there. */
  readonly checkpoint?: CellCheckpoint;
}

export type ScoringCell = Cell & { readonly measure: ScoringMeasure };
export type TraceCell = Cell & { readonly measure: TraceMeasure };
/** Measured in a process of its own. */
export type SoloCell = ScoringCell | TraceCell;
export type BenchCell = Cell & { readonly measure: BenchMeasure };

export function isBench(cell: Cell): cell is BenchCell {
  return cell.measure.kind === 'bench';
}

export function isSolo(cell: Cell): cell is SoloCell {
  return cell.measure.kind !== 'bench';
}

export function isTrace(cell: Cell): cell is TraceCell {
  return cell.measure.kind === 'trace';
}

/** How records and reports call what a cell measures. */
export function measureName({ measure }: Pick<Cell, 'measure'>): string {
  if (measure.kind === 'bench') return `bench-b${measure.batch_size}`;
  return measure.kind === 'eval' ? measure.kind : measure.name;
}

/** Without the `undefined` members that optional settings leave: what JSON would keep. */
export function plainJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
