/** Results of other tools as plain data, before they become runs. */

/** The measure of the runs that they become. */
export const IMPORT_MEASURE = 'import';

/** A number that a file reports. Where it also has the samples behind it, they come along. */
export interface ReportedMetric {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Key or column in the file: `results.task.acc,none`. */
  readonly place: string;
  /** What `value` is the mean of, where the file has it. */
  readonly samples?: readonly number[];
}

export interface ImportedResult {
  /** Which format: `vllm-bench`, `lm-eval`, … */
  readonly tool: string;
  readonly model: string;
  /** As the file says it; `unstated` where it does not. */
  readonly scheme: string;
  /** What else tells this cell from others: batch size, dataset, test. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** As it stands in the file. */
  readonly measuredAt: string | null;
  /** What the file says went wrong; then there are no metrics. */
  readonly error: string | null;
  readonly metrics: readonly ReportedMetric[];
}

export interface ResultFile {
  /** As it is shown. */
  readonly path: string;
  readonly text: string;
  /** Parsed, for JSON files; undefined for others. */
  readonly json: unknown;
}

/** null: not of this format. An empty list: of this format, with nothing in it. */
export type ResultReader = (file: ResultFile) => ImportedResult[] | null;

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textAt(object: Json, ...keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = object[key];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return null;
}

/** Name in the record → key in the file and unit. Numbers only; absent keys are left out. */
export type Columns = Readonly<Record<string, readonly [key: string, unit: string]>>;

export function metricsAt(object: Json, columns: Columns, prefix = ''): ReportedMetric[] {
  return Object.entries(columns).flatMap(([name, [key, unit]]): ReportedMetric[] => {
    const value = object[key];
    if (typeof value !== 'number' || !Number.isFinite(value)) return [];
    return [{ name, value, unit, place: `${prefix}${key}` }];
  });
}

/** The settings of an object that are plain values. */
export function settingsAt(object: Json, keys: readonly string[]): ImportedResult['settings'] {
  return Object.fromEntries(
    keys.flatMap((key): [string, string | number | boolean][] => {
      const value = object[key];
      const plain = ['string', 'number', 'boolean'].includes(typeof value);
      return plain ? [[key, value as string | number | boolean]] : [];
    }),
  );
}
