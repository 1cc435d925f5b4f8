/** throughput × time = count, and time = batches × mean batch latency, inside one record. */
import type { Check } from '../check.ts';
import { inPlaceOf, Judge, shown, shownInterval } from '../finding.ts';
import { divide, type Interval, meets, middleOf, multiply, scale } from '../interval.ts';
import { asCount, inBase, pointOf, type Quantity } from '../quantity.ts';
import {
  type AuditDocument,
  byGroup,
  type DataRecord,
  type Field,
  placeOf,
  siblingsOf,
} from '../record.ts';
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

/** `token` of tok/s, of `tokens_per_sec`, of `request_throughput`. */
const thingOf = ({ field, quantity }: Read): string | undefined =>
  quantity.unit?.of ??
  field.unit?.of ??
  /\b(token|sample|request)s?\b/.exec(words(field.label))?.[1] ??
  (/\boutput throughput\b/.test(words(field.label)) ? 'token' : undefined);

/** Of input and output tokens, which; null: both, or not said. */
function sideOf(field: Field): 'in' | 'out' | null {
  const plain = words(field.label);
  if (/\b(?:input|prompt|prefill)\b/.test(plain)) return 'in';
  return /\b(?:output|generated|generation|completion|decode)\b/.test(plain) ? 'out' : null;
}

/** Totals only: a mean per run has its own time. */
const isTotal = (field: Field): boolean =>
  !/\b(?:mean|avg|average|max|min|median|std)\b|\bp\d\d\b/.test(words(field.label));
const isMean = (field: Field): boolean => /\b(?:mean|avg|average)\b/.test(words(field.label));

function counts(field: Field, rate: Read): boolean {
  const thing = thingOf(rate);
  const plain = words(field.label);
  if (thing === 'request' && /^(?:completed|successful requests)$/.test(plain)) return true;
  const side = sideOf(rate.field);
  if (thing === 'token' && side !== null && sideOf(field) !== side) return false;
  return thing === undefined || plain.includes(thing) || field.quantities[0]?.unit?.of === thing;
}

/** Rates, times and counts that belong together. */
function triples(record: DataRecord): { rate: Read; time: Read; count: Read }[] {
  const rates = record.fields.flatMap((field): Read[] => {
    const quantity = field.quantities[0];
    const isRate =
      field.role === 'throughput' && field.quantities.length === 1 && isTotalRate(field);
    return isRate && quantity ? [{ field, quantity }] : [];
  });
  const found: { rate: Read; time: Read; count: Read }[] = [];
  for (const rate of rates) {
    // Two rates of one thing: it is open which of them the count is about.
    const twins = rates.filter((r) => key(r) === key(rate));
    if (twins.length > 1) continue;
    for (const role of ['samples', 'tokens'] as const) {
      const total = only(record, role, (f) => isTotal(f) && counts(f, rate));
      const whole = only(record, 'duration', isTotal);
      if (total && whole) found.push({ rate, time: whole, count: total });
      const mean = only(record, role, (f) => isMean(f) && counts(f, rate));
      const each = only(record, 'latency', (f) => statisticOf(f.label) === 'mean' && timed(f));
      if (mean && each) found.push({ rate, time: each, count: mean });
    }
  }
  return found;
}

const key = (rate: Read): string => `${thingOf(rate)} ${sideOf(rate.field)}`;
/** A peak or a goodput is not count / time. */
const isTotalRate = (field: Field): boolean =>
  !/\b(?:peak|max|min|goodput|std|speedup|per (?:gpu|user))\b/.test(words(field.label));

const timed = (field: Field): boolean => field.quantities[0]?.unit?.dimension === 'time';

/** Another rate of the record or of its group that shows that the total is in seconds. */
function secondsElsewhere(document: AuditDocument, record: DataRecord): boolean {
  return siblingsOf(document, record).some((sibling) =>
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
        judge.rests(rate.quantity, time.quantity, count.quantity);
        if (meets(expected, inBase(rate.quantity))) {
          judge.held();
          continue;
        }
        // A time without a unit may be anything; only its neighbours can say that it is seconds.
        if (time.quantity.unit === null && !secondsElsewhere(document, record)) continue;
        const times = pointOf(count.quantity) / pointOf(time.quantity);
        judge.found({
          severity: 'refuted',
          place: placeOf(rate.field.place, rate.quantity),
          written: `${rate.field.label} ${rate.quantity.text}`,
          arithmetic:
            `${count.quantity.text} (${count.field.label}) / ${time.quantity.text} ` +
            `(${time.field.label}) = ${shown(times)}, ` +
            `with rounding ${shownInterval(expected)}`,
          follows: 'rate, time and count are not of one measurement, or not of the same thing',
          replacement: inPlaceOf(rate.quantity.text, times),
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
  says: 'total time is batches × mean batch latency, where most records show a closed loop',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const records of byGroup(document.records)) {
      const loops = records.flatMap((record) => batchLoop(record) ?? []);
      const fitting = loops.filter((loop) => loop.fits).length;
      // Concurrent requests break the identity everywhere; one slip breaks it once.
      if (fitting < 2 || fitting * 2 <= loops.length) continue;
      judge.held(fitting);
      for (const { fits, batches, told } of loops) {
        judge.rests(told.mean.quantity, told.total.quantity);
        if (fits) continue;
        const { mean, total, expected } = told;
        judge.found({
          severity: 'refuted',
          place: placeOf(mean.field.place, mean.quantity),
          written: `${mean.field.label} ${mean.quantity.text}`,
          arithmetic:
            `${batches} batches × ${mean.quantity.text} ${mean.quantity.unit?.text} = ` +
            `${shown(middleOf(expected))} s, ` +
            `but ${total.field.label} is ${total.quantity.text}`,
          follows: 'the other records of this file hold this identity; this one does not',
        });
      }
    }
    return judge.verdicts;
  },
};
