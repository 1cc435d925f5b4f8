/** Peak memory cannot be smaller than the weights; where it is so only in GB, the unit is GiB. */
import type { Check } from '../check.ts';
import { Judge, shown } from '../finding.ts';
import type { Interval } from '../interval.ts';
import { knownParameters } from '../known-models.ts';
import { inBase, type Quantity } from '../quantity.ts';
import { type DataRecord, type Field, figure, inherited, placeOf, precisionOf } from '../record.ts';
import { words } from '../role.ts';

/** Bytes of one weight. Quantized formats keep some tensors whole, so only lower bounds. */
const BYTES: Readonly<Record<string, number>> = {
  fp32: 4,
  f32: 4,
  fp16: 2,
  f16: 2,
  bf16: 2,
};

const GB = 1e9;
const GIB = 2 ** 30;

/** Of a well-known model exactly; from `124.4M parameters` or `…-1.1B` what rounding leaves. */
function parametersOf(record: DataRecord): { count: Interval; source: string } | null {
  const name = inherited(record, 'model') ?? '';
  const known = knownParameters(name);
  if (known) return { count: { low: known, high: known }, source: `${known} parameters` };
  const own = figure(record, 'parameters');
  const inName = /(\d+(?:\.\d+)?)\s*([MB])\b/i.exec(name);
  if (own) {
    const count = inBase(own.quantity);
    // A bare `1000.0` under "parameters (millions)" has its factor from the label's unit.
    return count.high > 1e5 ? { count, source: `${own.quantity.text} parameters` } : null;
  }
  if (!inName) return null;
  const factor = inName[2]?.toUpperCase() === 'B' ? 1e9 : 1e6;
  const half = 0.5 * 10 ** -(inName[1]?.split('.')[1]?.length ?? 0);
  const value = Number(inName[1]);
  const count = { low: (value - half) * factor, high: (value + half) * factor };
  return { count, source: `${inName[0]} parameters of its name` };
}

/** Weights that are spread over several devices need not fit into the peak of one. */
const CARDS = 'A10|A100|H100|H200|L40|V100|RTX|T4|GPU';
const SHARED = new RegExp(
  'tensor[-_ ]?parallel|multi[- ]?gpu|per[- ]gpu|offload|' +
    String.raw`\b[2-8]\s?[x×]\s?(?:NVIDIA\s)?(?:${CARDS})`,
  'i',
);

interface Short {
  readonly field: Field;
  readonly quantity: Quantity;
  readonly weights: number;
  readonly source: string;
  readonly bytesEach: number;
  readonly asGib: boolean;
}

export const weightMemoryCheck: Check = {
  name: 'weights-in-memory',
  says: 'peak memory is at least the weights in their dtype; a GB that only fits as GiB is named',
  run(document) {
    const judge = new Judge(this.name, document);
    if (SHARED.test(document.text)) return judge.verdicts;
    const short: Short[] = [];
    for (const record of document.records) {
      const found = shortOf(record);
      if (found === 'fits') judge.held();
      else if (found) short.push(found);
    }
    for (const one of short.filter((s) => !s.asGib)) tell(judge, [one]);
    tell(
      judge,
      short.filter((s) => s.asGib),
    );
    return judge.verdicts;
  },
};

function shortOf(record: DataRecord): Short | 'fits' | null {
  const field = record.fields.find(
    (f) => f.role === 'memory' && /\bpeak\b|\bvram\b/.test(words(f.label)) && f.quantities[0],
  );
  const quantity = field?.quantities[0];
  const bytesEach = BYTES[precisionOf(record) ?? ''];
  const parameters = parametersOf(record);
  if (!field || !quantity || !bytesEach || !parameters) return null;
  if (quantity.unit?.dimension !== 'bytes') return null;
  if (/total|before|free/.test(words(field.label))) return null;
  const weights = parameters.count.low * bytesEach;
  if (inBase(quantity).high >= weights) return 'fits';
  const asGib = quantity.unit.factor === GB && quantity.interval.high * GIB >= weights;
  return { field, quantity, weights, bytesEach, asGib, source: parameters.source };
}

function tell(judge: Judge, short: readonly Short[]): void {
  const [first, ...rest] = short;
  if (!first) return;
  const { field, quantity, weights, source, bytesEach, asGib } = first;
  const also = rest.map((s) => `${s.quantity.text} on line ${s.field.place.line}`).slice(0, 8);
  judge.found({
    severity: asGib ? 'suspicious' : 'refuted',
    place: placeOf(field.place, quantity),
    written: `${field.label} ${quantity.text} ${quantity.unit?.text}`,
    arithmetic:
      `${source} × ${bytesEach} bytes = ${shown(weights / GB)} GB ` +
      `(${shown(weights / GIB)} GiB) of weights alone` +
      (also.length > 0 ? `; also ${also.join(', ')}` : ''),
    follows: asGib
      ? `the unit is GiB: ${quantity.text} GiB = ${shown((quantity.value * GIB) / GB)} GB`
      : 'the weights alone do not fit: another dtype, another model, or not the peak',
  });
}
