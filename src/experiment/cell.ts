/** One point of the matrix: everything a worker needs, as plain JSON. */
import type { ModelIdentity } from '../record/schema.ts';
import type { EvalSettings, TaskSettings } from './spec.ts';

export interface EngineSettings {
  /** Resolved reference: a directory, `builtin:…`, `dummy:…` or a hub id. */
  readonly model: string;
  readonly scheme: string;
  readonly activations: 'int8' | 'f32';
  readonly threads: number | null;
  readonly ignore: readonly string[];
  readonly seed: number;
}

export type MeasureSettings =
  | ({ readonly kind: 'eval'; readonly corpusPath: string } & Omit<EvalSettings, 'corpus'>)
  | ({ readonly kind: 'task'; readonly filePath: string } & Omit<TaskSettings, 'file'>);

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
  /** SHA-256 of the corpus or the labelled set. */
  readonly dataSha256: string;
  /** SHA-256 of all that decides the result. */
  readonly key: string;
}

/** Without the `undefined` members that optional settings leave: what JSON would keep. */
export function plainJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
