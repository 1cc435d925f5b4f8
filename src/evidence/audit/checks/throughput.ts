/** throughput × time = count, and time = batches × mean batch latency, inside one record. */
import type { Check } from '../check.ts';
import { inPlaceOf, Judge, shown, shownInterval } from '../finding.ts';
import { divide, type Interval, meets, middleOf, multiply, scale } from '../interval.ts';
import { asCount, inBase, type Quantity } from '../quantity.ts';
import { type AuditDocument, byGroup, type DataRecord, type Field, placeOf } from '../record.ts';
import { type Role, statisticOf, words } from '../role.ts';

interface Read {
  readonly field: Field;
  readonly quantity: Quantity;
}

/** The one field of a role that fits; two would leave it open which is meant. */
function only(record: DataRecord, role: Role, fits: (field: Field) => boolean): Read | null {
  const found = record.fields.filter(
    (f) => f.role === role && f.quantities.length === 1 && fits(f),
  );
  const field = found[0];
  const quantity = field?.quantities[0];
  return found.length === 1 && field && quantity ? { field, quantity } : null;
}

/** `token` of tok/s, of `tokens_per_sec`. */
const rateOf = ({ field, quantity }: Read): string | undefined =>
  quantity.unit?.of ??
  field.unit?.of ??
  /\b(token|sample|request)s?\b/.exec(words(field.label))?.[1];

/** Totals only: a mean per run has its own time. */
const isTotal = (field: Field): boolean => !/\bmean|avg|average|max|min\b/.test(words(field.label));
const isMean = (field: Field): boolean => /\bmean|avg|average\b/.test(words(field.label));

/** A rate, a time and a count that belong together. */
function triples(record: DataRecord): { rate: Read; time: Read; count: Read }[] {
  const rate = only(record, 'throughput', () => true);
  if (!rate) return [];
  const thing = rateOf(rate);
  const counted = (f: Field): boolean =>
    thing === undefined || words(f.label).includes(thing) || f.quantities[0]?.unit?.of === thing;
  const found: { rate: Read; time: Read; count: Read }[] = [];
  for (const role of ['samples', 'tokens'] as const) {
    const total = only(record, role, (f) => isTotal(f) && counted(f));
    const whole = only(record, 'duration', isTotal);
    if (total && whole) found.push({ rate, time: whole, count: total });
    const mean = only(record, role, (f) => isMean(f) && counted(f));
    const each = only(record, 'latency', (f) => statisticOf(f.label) === 'mean' && timed(f));
    if (mean && each) found.push({ rate, time: each, count: mean });
  }
  return found;
}

const timed = (field: Field): boolean => field.quantities[0]?.unit?.dimension === 'time';

/** Another record of the group whose unitless total is in seconds. */
function secondsElsewhere(document: AuditDocument, record: DataRecord): boolean {
  const siblings = document.records.filter((r) => r.group === record.group && r !== record);
  return siblings.some((sibling) =>
    triples(sibling).some(({ rate, time, count }) => {
      const expected = divide(asCount(count.quantity), inBase(time.quantity));
      return expected !== null && meets(expected, inBase(rate.quantity));
    }),
  );
}

export const throughputCheck: Check = {
  name: 'throughput-time-count',
  says: 'throughput is count / time, where a record has one total of each (or one mean of each)',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const record of document.records) {
      for (const { rate, time, count } of triples(record)) {
        const expected = divide(asCount(count.quantity), inBase(time.quantity));
        if (!expected) continue;
        if (meets(expected, inBase(rate.quantity))) {
          judge.held();
          continue;
        }
        // A time without a unit may be anything; only its neighbours can say that it is seconds.
        if (time.quantity.unit === null && !secondsElsewhere(document, record)) continue;
        judge.found({
          severity: 'refuted',
          place: placeOf(rate.field.place, rate.quantity),
          written: `${rate.field.label} ${rate.quantity.text}`,
          arithmetic:
            `${count.quantity.text} (${count.field.label}) / ${time.quantity.text} ` +
            `(${time.field.label}) = ${shown(middleOf(expected))}, ` +
            `with rounding ${shownInterval(expected)}`,
          follows: 'rate, time and count are not of one measurement, or not of the same thing',
          replacement: inPlaceOf(rate.quantity.text, middleOf(expected)),
        });
      }
    }
    return judge.verdicts;
  },
};

/** The batches of a closed loop: total time = ⌈samples / batch size⌉ × mean latency of a batch. */
export function batchLoop(
  record: DataRecord,
): { batches: number; fits: boolean; told: Loop } | null {
  const batch = only(record, 'batchSize', () => true);
  const samples = only(record, 'samples', isTotal);
  const total = only(record, 'duration', isTotal);
  const mean = only(record, 'latency', (f) => statisticOf(f.label) === 'mean' && timed(f));
  if (!batch || !samples || !total || !mean || batch.quantity.value < 1) return null;
  const batches = Math.ceil(samples.quantity.value / batch.quantity.value);
  const expected = scale(inBase(mean.quantity), batches);
  const exact = multiply(inBase(mean.quantity), {
    low: samples.quantity.value / batch.quantity.value,
    high: batches,
  });
  const fits = meets(exact, inBase(total.quantity));
  return { batches, fits, told: { mean, total, expected } };
}

interface Loop {
  readonly mean: Read;
  readonly total: Read;
  readonly expected: Interval;
}

export const batchLoopCheck: Check = {
  name: 'batch-loop',
  says: 'total time is batches × mean batch latency, where most records of the group show a closed loop',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const records of byGroup(document.records)) {
      const loops = records.flatMap((record) => batchLoop(record) ?? []);
      const fitting = loops.filter((loop) => loop.fits).length;
      // Concurrent requests break the identity everywhere; one slip breaks it once.
      if (fitting < 2 || fitting * 2 <= loops.length) continue;
      judge.held(fitting);
      for (const { fits, batches, told } of loops) {
        if (fits) continue;
        const { mean, total, expected } = told;
        judge.found({
          severity: 'refuted',
          place: placeOf(mean.field.place, mean.quantity),
          written: `${mean.field.label} ${mean.quantity.text}`,
          arithmetic:
            `${batches} batches × ${mean.quantity.text} ms = ${shown(middleOf(expected))} s, ` +
            `but ${total.field.label} is ${total.quantity.text}`,
          follows: 'the other records of this file hold this identity; this one does not',
        });
      }
    }
    return judge.verdicts;
  },
};
