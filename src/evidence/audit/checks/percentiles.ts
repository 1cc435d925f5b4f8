/** Percentiles: in order, and over enough samples to be more than the maximum in disguise. */
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { inBase } from '../quantity.ts';
import { byGroup, type DataRecord, type Field, figure, placeOf } from '../record.ts';
import { statisticOf, words } from '../role.ts';
import { batchLoop } from './throughput.ts';

interface Quantile {
  readonly field: Field;
  readonly rank: number;
}

/** One family of latencies of a record, by what is measured: `ttft`, `latency`, … */
function families(record: DataRecord): Quantile[][] {
  const found = new Map<string, Quantile[]>();
  for (const field of record.fields) {
    const statistic = statisticOf(field.label);
    if (field.role !== 'latency' || field.quantities.length !== 1) continue;
    const rank = statistic === 'min' ? 0 : statistic === 'max' ? 100 : statistic;
    if (typeof rank !== 'number') continue;
    const name = words(field.label).replace(/\b(?:p\d+|median|min(?:imum)?|max(?:imum)?)\b/g, '');
    found.set(name, [...(found.get(name) ?? []), { field, rank }]);
  }
  return [...found.values()].filter((family) => family.length > 1);
}

export const percentileOrderCheck: Check = {
  name: 'percentile-order',
  says: 'a higher percentile of the same latency is not smaller',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const record of document.records) {
      for (const family of families(record)) {
        const sorted = family.toSorted((a, b) => a.rank - b.rank);
        for (const [i, upper] of sorted.entries()) {
          const lower = sorted[i - 1];
          const [u, l] = [upper.field.quantities[0], lower?.field.quantities[0]];
          if (!lower || !u || !l) continue;
          if (inBase(u).high >= inBase(l).low) {
            judge.held();
            continue;
          }
          judge.found({
            severity: 'refuted',
            place: placeOf(upper.field.place, u),
            written: `${upper.field.label} ${u.text}`,
            arithmetic: `${u.text} < ${l.text} (${lower.field.label})`,
            follows: 'a higher percentile cannot be smaller',
          });
        }
      }
    }
    return judge.verdicts;
  },
};

/** n from which a percentile has an upper 95 % bound that is not the maximum: 0.95 > 1 − pⁿ. */
export const SUPPORT = [
  { rank: 99, n: 299 },
  { rank: 95, n: 59 },
] as const;

/** How many latencies a record's percentiles are over; null where it does not say. */
function samplesOf(record: DataRecord): number | null {
  const loop = batchLoop(record);
  if (loop?.fits) return loop.batches;
  const batch = figure(record, 'batchSize');
  const own = figure(record, 'samples') ?? figure(record, 'runs');
  // Without the loop's identity it is open whether a sample or a batch was timed.
  if (batch && batch.quantity.value > 1) return null;
  return own ? own.quantity.value : statedAbove(record);
}

const REPEATED = new Set(['run', 'iteration', 'request']);

/** `20 runs per configuration` in the section of a table. Warm-up is not measured. */
function statedAbove(record: DataRecord): number | null {
  for (let at = record.parent; at; at = at.parent) {
    const counts = at.fields.flatMap((f) =>
      f.quantities.filter(
        (q) => REPEATED.has(q.unit?.of ?? '') && !/^\s*(?:of\s+)?warm/i.test(f.text.slice(q.end)),
      ),
    );
    const [only] = counts;
    if (only && counts.length === 1) return only.value;
  }
  return null;
}

export const percentileSupportCheck: Check = {
  name: 'percentile-support',
  says: 'a p99 is over at least 299 measured latencies, a p95 over 59',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const records of byGroup(document.records)) {
      for (const { rank, n: needed } of SUPPORT) {
        const thin = records.flatMap((record) => {
          const n = samplesOf(record);
          const field = record.fields.find((f) => statisticOf(f.label) === rank && f.quantities[0]);
          if (n === null || !field) return [];
          if (n >= needed) judge.held();
          return n < needed ? [{ field, n, record }] : [];
        });
        const worst = thin.toSorted((a, b) => a.n - b.n)[0];
        const quantity = worst?.field.quantities[0];
        if (!worst || !quantity) continue;
        const told = thin.map(({ n, field }) => `line ${field.place.line}: n = ${n}`);
        judge.found({
          severity: 'suspicious',
          place: placeOf(worst.field.place, quantity),
          written: `${worst.field.label} ${quantity.text} over ${worst.n} latencies`,
          arithmetic: `${told.slice(0, 6).join('; ')}; p${rank} needs n ≥ ${needed}`,
          follows: `with so few, p${rank} is the maximum in disguise: it has no upper bound`,
        });
      }
    }
    return judge.verdicts;
  },
};
