/** The rows of one run, grouped by kind. */
import type {
  BatchRow,
  ItemRow,
  LabelSetRow,
  SampleRow,
  TensorRow,
  WindowRow,
} from '../record/rows.ts';

type RowOf<K extends SampleRow['kind']> = Extract<SampleRow, { kind: K }>;

export interface Samples {
  readonly tensors: readonly TensorRow[];
  readonly loads: readonly RowOf<'load'>[];
  readonly windows: readonly WindowRow[];
  readonly labelSets: readonly LabelSetRow[];
  readonly items: readonly ItemRow[];
  readonly batches: readonly BatchRow[];
  readonly memory: readonly RowOf<'memory'>[];
  readonly repeats: readonly RowOf<'repeat'>[];
  readonly iterations: readonly IterationRow[];
  readonly rounds: readonly RoundRow[];
  readonly coldStarts: readonly RowOf<'cold-start'>[];
  readonly generated: readonly GeneratedRow[];
  readonly failures: readonly RowOf<'failure'>[];
  readonly gpu: readonly GpuRow[];
  readonly anatomy: readonly RowOf<'anatomy'>[];
  readonly differences: readonly RowOf<'difference'>[];
}

export type IterationRow = RowOf<'iteration'>;
export type RoundRow = RowOf<'round'>;
export type GeneratedRow = RowOf<'generated'>;
export type GpuRow = RowOf<'gpu'>;

export function groupSamples(rows: readonly SampleRow[]): Samples {
  const of = <K extends SampleRow['kind']>(kind: K): RowOf<K>[] =>
    rows.filter((row): row is RowOf<K> => row.kind === kind);
  return {
    tensors: of('tensor'),
    loads: of('load'),
    windows: of('window'),
    labelSets: of('label-set'),
    items: of('item'),
    batches: of('batch'),
    memory: of('memory'),
    repeats: of('repeat'),
    iterations: of('iteration'),
    rounds: of('round'),
    coldStarts: of('cold-start'),
    generated: of('generated'),
    failures: of('failure'),
    gpu: of('gpu'),
    anatomy: of('anatomy'),
    differences: of('difference'),
  };
}

/** A unit of resampling: what was summed over it and how many tokens that was. */
export interface Unit {
  readonly id: number;
  readonly total: number;
  readonly tokens: number;
}

export interface Units {
  readonly units: readonly Unit[];
  readonly unitOf: 'documents' | 'windows';
}

/**
 * Sums a per-token quantity over independent units: documents, or windows where there are fewer
 * than `minUnits` documents (a single long text). Sorted by id, so that two runs over one corpus
 * pair up. A token's value is null where the engine gave no finite number.
 */
export function unitsOfWindows(
  windows: readonly WindowRow[],
  perToken: (row: WindowRow, index: number) => number | null,
  minUnits: number,
): Units | { nonFinite: number } {
  const documents = new Set(windows.map((row) => row.document));
  const unitOf = documents.size >= minUnits ? 'documents' : 'windows';
  const totals = new Map<number, { total: number; tokens: number }>();
  let nonFinite = 0;
  for (const row of windows) {
    // Windows of different documents must not collide: documents hold fewer than 2^20 windows.
    const id = unitOf === 'documents' ? row.document : row.document * 2 ** 20 + row.window;
    const unit = totals.get(id) ?? { total: 0, tokens: 0 };
    for (let i = 0; i < row.logp.length; i++) {
      const value = perToken(row, i);
      if (value === null) nonFinite++;
      else unit.total += value;
      unit.tokens++;
    }
    totals.set(id, unit);
  }
  if (nonFinite > 0) return { nonFinite };
  const units = [...totals].map(([id, unit]) => ({ id, ...unit })).sort((a, b) => a.id - b.id);
  return { units, unitOf };
}
