/** What was answered instead of what: counted from recorded items. */
import type { ItemRow } from '../record/rows.ts';

export interface ConfusionCell {
  readonly label: string;
  /** null: the answer was none of the labels. */
  readonly predicted: string | null;
  readonly items: number;
}

export interface ClassCounts {
  /** Items that have this label. */
  support: number;
  /** Items that were given this label. */
  predicted: number;
  /** Both. */
  right: number;
}

/**
 * All pairs that occur, by label, then by answer. Empty where items have choices of their own,
 * where the rows do not say what was answered (those from before there were methods), and where
 * one holds NaN or Inf, so that nothing was.
 */
export function confusionOf(items: readonly ItemRow[]): readonly ConfusionCell[] {
  const known = counted.get(items) ?? countPairs(items);
  counted.set(items, known);
  return known;
}

/** A run has three metrics a label: the rows are counted once. */
const counted = new WeakMap<readonly ItemRow[], readonly ConfusionCell[]>();

function countPairs(items: readonly ItemRow[]): ConfusionCell[] {
  if (!isLabelled(items)) return [];
  const counts = new Map<string, Map<string | null, number>>();
  for (const { label, predicted = null } of items) {
    const row = counts.get(label) ?? new Map<string | null, number>();
    row.set(predicted, (row.get(predicted) ?? 0) + 1);
    counts.set(label, row);
  }
  const cells = [...counts].flatMap(([label, row]) =>
    [...row].map(([predicted, n]): ConfusionCell => ({ label, predicted, items: n })),
  );
  return cells.sort(
    (a, b) => order(a.label, b.label) || order(a.predicted ?? '', b.predicted ?? ''),
  );
}

function isLabelled(items: readonly ItemRow[]): boolean {
  return items.every(
    ({ predicted, choices, logp }) =>
      predicted !== undefined && choices === undefined && logp !== null,
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The wrong answers that were given most often, most first. */
export function topConfusions(items: readonly ItemRow[], most: number): ConfusionCell[] {
  return confusionOf(items)
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.items - a.items)
    .slice(0, most);
}

/** By label, for every label that an item has or was given; empty where answers are not known. */
export function classCounts(items: readonly ItemRow[]): Map<string, ClassCounts> {
  const counts = new Map<string, ClassCounts>();
  const of = (label: string): ClassCounts => {
    const known = counts.get(label) ?? { support: 0, predicted: 0, right: 0 };
    counts.set(label, known);
    return known;
  };
  for (const { label, predicted, items: n } of confusionOf(items)) {
    of(label).support += n;
    if (predicted === label) of(label).right += n;
    if (predicted !== null) of(predicted).predicted += n;
  }
  return counts;
}

/** Labels that items have, in the order of their code units; none where answers are not known. */
export function classesOf(items: readonly ItemRow[]): string[] {
  return [...new Set(confusionOf(items).map(({ label }) => label))];
}
