/** Which value a speedup, a reduction or a degradation is relative to. */
import type { Quantity } from './quantity.ts';
import {
  type AuditDocument,
  type DataRecord,
  type Field,
  figure,
  inherited,
  modelName,
  precisionOf,
  siblingsOf,
  textOf,
} from './record.ts';
import { type Role, statisticOf, words } from './role.ts';

export interface Figure {
  readonly record: DataRecord;
  readonly field: Field;
  readonly quantity: Quantity;
}

/** `5.58 tokens/sec (vs 10.75 baseline)`: the cell itself names what it is relative to. */
export function namedBaseline({ field, quantity, record }: Figure): Figure | null {
  const other = field.quantities.find(
    (q) => q !== quantity && q.versus && dimension(q) === dimension(quantity),
  );
  return other ? { record, field, quantity: other } : null;
}

/** `69.44ms → 41.01ms`: before and after in one cell. */
export function arrowPair(
  field: Pick<Field, 'quantities'>,
): { from: Quantity; to: Quantity } | null {
  const at = field.quantities.findIndex((q) => q.afterArrow && !q.spread);
  const to = field.quantities[at];
  const from = field.quantities[at - 1];
  return from && to && dimension(from) === dimension(to) ? { from, to } : null;
}

function dimension(quantity: Quantity): string {
  return quantity.unit?.dimension ?? 'none';
}

const FULL_PRECISION = /^(?:fp32|f32|fp16|f16|bf16|none|full)$/;
const SAYS_SO =
  /^(?:config(?:uration)?|notes?|type|role|variant|setup|scheme|format|name|(?:.* )?purpose)$/;

/** Says of itself that others are relative to it. */
export function isBaseline(record: DataRecord): boolean {
  const speedup = figure(record, 'speedup');
  if (speedup) return speedup.quantity.value === 1;
  for (const role of ['reduction', 'degradation'] as const) {
    const share = figure(record, role);
    if (share) return share.quantity.value === 0;
  }
  const precision = precisionOf(record);
  if (precision !== null && !FULL_PRECISION.test(precision)) return false;
  const said = record.fields.some(
    (f) =>
      (SAYS_SO.test(words(f.label)) || f.role === 'precision' || f.role === 'method') &&
      /\b(?:baseline|reference)\b/i.test(f.text),
  );
  const titled = record.kind === 'section' && /\bbaseline\b/i.test(record.title);
  if (said || titled) return true;
  return record.kind === 'sentence' && record.parent !== null && isBaseline(record.parent);
}

export function isQuantized(record: DataRecord): boolean {
  const precision = precisionOf(record);
  return precision !== null && !FULL_PRECISION.test(precision);
}

export interface Baselines {
  /** Of the same model, the same hardware and batch size where both say so. */
  readonly same: readonly Figure[];
  /** Of other models. */
  readonly other: readonly Figure[];
}

/** Baselines in the record's own group: rows of its table, objects of its array. */
export function baselinesOf(document: AuditDocument, of: Figure): Baselines {
  const { record, field } = of;
  const role = field.role as Role;
  const model = modelName(record);
  const siblings = siblingsOf(document, record).flatMap((candidate): Figure[] => {
    if (candidate === record) return [];
    const found = sameStatistic(candidate, field, role);
    return found && dimension(found.quantity) === dimension(of.quantity) ? [found] : [];
  });
  const isSame = ({ record: r }: Figure): boolean => modelName(r) === model;
  const candidates = siblings.filter((s) => isBaseline(s.record));
  const same = candidates.filter(isSame);
  // A table that says of no row that it is the baseline means the one in full precision.
  const full = siblings.filter(
    (s) => isSame(s) && isQuantized(record) && FULL_PRECISION.test(precisionOf(s.record) ?? ''),
  );
  return {
    same: narrowed(record, same.length > 0 || candidates.length > 0 ? same : full),
    other: model === null ? [] : candidates.filter((c) => !isSame(c)),
  };
}

function sameStatistic(record: DataRecord, field: Field, role: Role): Figure | null {
  const wanted = statisticOf(field.label);
  for (const other of record.fields) {
    if (other.role !== role || statisticOf(other.label) !== wanted) continue;
    const quantity = other.quantities.find((q) => !q.spread && !q.versus);
    if (quantity) return { record, field: other, quantity };
  }
  return null;
}

/** Where some baselines share the record's surroundings, only these count. */
function narrowed(record: DataRecord, figures: readonly Figure[]): readonly Figure[] {
  let left = figures;
  for (const role of ['hardware', 'batchSize'] as const) {
    const own = inherited(record, role);
    const sharing = left.filter(({ record: r }) => inherited(r, role) === own);
    if (own !== null && sharing.length > 0) left = sharing;
  }
  return left;
}

/** How a reader finds it: `28.42 (line 77, FP16, DialoGPT-small)`. */
export function citation({ record, field, quantity }: Figure): string {
  if (quantity.versus) return `${quantity.text} (named on line ${field.place.line})`;
  const facts = [
    `line ${field.place.line}`,
    precisionOf(record)?.toUpperCase(),
    textOf(record, 'model')?.replace(/\s*\(.*$/, ''),
  ];
  return `${quantity.text} (${facts.filter(Boolean).join(', ')})`;
}
