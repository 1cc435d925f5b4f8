/** The rows of one run, grouped by kind. */
import type {
  BatchRow,
  ItemRow,
  LabelSetRow,
  SampleRow,
  TensorRow,
  WindowRow,
} from '../record/rows.ts';
import { sum } from './describe.ts';
import { blockLength, MIN_UNITS, type Resampling } from './intervals.ts';
import { expandedTail } from './student.ts';

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
  readonly reported: readonly RowOf<'reported'>[];
  readonly processes: readonly RowOf<'process'>[];
  readonly anatomy: readonly RowOf<'anatomy'>[];
  readonly differences: readonly RowOf<'difference'>[];
  readonly routing: readonly RowOf<'routing'>[];
  readonly traces: readonly RowOf<'trace'>[];
  readonly tracePairs: readonly RowOf<'trace-pair'>[];
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
    reported: of('reported'),
    processes: of('process'),
    anatomy: of('anatomy'),
    differences: of('difference'),
    routing: of('routing'),
    traces: of('trace'),
    tracePairs: of('trace-pair'),
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
    const id = unitIdOf(row, unitOf);
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

/** Windows of different documents must not collide: documents hold fewer than 2^20 windows. */
function unitIdOf(row: WindowRow, unitOf: Units['unitOf']): number {
  return unitOf === 'documents' ? row.document : row.document * 2 ** 20 + row.window;
}

export const BYTES_UNKNOWN =
  'how many bytes the scored tokens stand for is not known: rows of ids, or a tokenizer that ' +
  'does not give its text back';

/** UTF-8 bytes by unit; null where a window does not tell. */
export function bytesOfUnits(
  windows: readonly WindowRow[],
  unitOf: Units['unitOf'],
): Map<number, number> | null {
  const bytes = new Map<number, number>();
  for (const row of windows) {
    if (row.bytes === undefined) return null;
    const id = unitIdOf(row, unitOf);
    bytes.set(id, (bytes.get(id) ?? 0) + row.bytes);
  }
  return bytes;
}

/**
 * How units are resampled: documents one by one; windows, which hang together with their neighbours
 * in the text, in blocks. The tails are those for so few documents or blocks (`expandedTail`).
 */
export function resamplingOf(
  unitOf: Units['unitOf'],
  units: number,
): Pick<Resampling, 'block' | 'tail'> {
  if (units < MIN_UNITS) return {};
  const block = unitOf === 'documents' ? 1 : blockLength(units);
  return { block, tail: expandedTail(Math.ceil(units / block)) };
}

/** What a permutation may exchange: documents as they are, windows joined to blocks. */
export function blocksOf(units: readonly Unit[], unitOf: Units['unitOf']): Unit[] {
  const block = unitOf === 'documents' ? 1 : blockLength(units.length);
  const starts = units.filter((_, i) => i % block === 0);
  return starts.map(({ id }, i) => {
    const members = units.slice(i * block, (i + 1) * block);
    const total = sum(members.map((unit) => unit.total));
    return { id, total, tokens: sum(members.map((unit) => unit.tokens)) };
  });
}
