/** A speedup against the baseline that the document names, and which value would make it true. */
import {
  arrowPair,
  baselinesOf,
  citation,
  type Figure,
  isBaseline,
  isQuantized,
  namedBaseline,
} from '../baseline.ts';
import type { Check } from '../check.ts';
import { inPlaceOf, Judge, shown, shownInterval } from '../finding.ts';
import { divide, type Interval, meets } from '../interval.ts';
import { inBase, pointOf, type Quantity } from '../quantity.ts';
import {
  type AuditDocument,
  type DataRecord,
  type Field,
  modelName,
  placeOf,
  textOf,
} from '../record.ts';
import { statisticOf } from '../role.ts';

const TIMES = new Set(['latency', 'duration']);

/** How many times as fast `value` is as `base`. */
function ratioOf(isTime: boolean, value: Quantity, base: Quantity): Interval | null {
  return isTime ? divide(inBase(base), inBase(value)) : divide(inBase(value), inBase(base));
}

/** Speeds and times of a record that a speedup can be about. */
function speedsOf(record: DataRecord): Figure[] {
  const speeds = record.fields.flatMap((field): Figure[] => {
    const isSpeed = field.role === 'throughput' || (field.role && TIMES.has(field.role));
    const statistic = statisticOf(field.label);
    if (!isSpeed || (typeof statistic === 'number' && statistic !== 50)) return [];
    const quantity = field.quantities.find((q) => !q.spread && !q.versus);
    return quantity ? [{ record, field, quantity }] : [];
  });
  // A rate is what a speedup is of; times come after it.
  const isRate = ({ field }: Figure): number => (field.role === 'throughput' ? 0 : 1);
  return speeds.toSorted((a, b) => isRate(a) - isRate(b));
}

function speedupIn(field: Field): Quantity | null {
  if (field.role !== 'speedup') return null;
  return (
    field.quantities.find((q) => q.unit?.dimension === 'ratio') ??
    field.quantities.find((q) => !q.unit) ??
    null
  );
}

interface Attempt {
  readonly value: Figure;
  readonly base: Figure;
  readonly ratio: Interval;
}

function attempts(document: AuditDocument, record: DataRecord): Attempt[] {
  return speedsOf(record).flatMap((value) => {
    const isTime = TIMES.has(value.field.role as string);
    const named = namedBaseline(value);
    const bases = named ? [named] : baselinesOf(document, value).same;
    return bases.flatMap((base): Attempt[] => {
      const ratio = ratioOf(isTime, value.quantity, base.quantity);
      return ratio ? [{ value, base, ratio }] : [];
    });
  });
}

/** What the other value would have to be, in the unit that it has. */
function needed({ quantity }: Figure, speedup: Quantity): Interval | null {
  return divide(quantity.interval, speedup.interval);
}

/** Other values of the document that would make the printed speedup true. */
function fitting(document: AuditDocument, attempt: Attempt, speedup: Quantity): string[] {
  const { value, base } = attempt;
  const isTime = TIMES.has(value.field.role as string);
  const fits = new Map<string, string>();
  for (const record of document.records) {
    for (const field of record.fields) {
      for (const q of field.quantities) {
        if (q.spread || q.unit?.dimension !== value.quantity.unit?.dimension) continue;
        if (q === value.quantity || q.text === base.quantity.text || fits.has(q.text)) continue;
        if (field.role !== value.field.role) continue;
        const ratio = ratioOf(isTime, value.quantity, q);
        if (ratio && meets(ratio, speedup.interval)) {
          fits.set(q.text, `${q.text} on line ${field.place.line}`);
        }
      }
    }
  }
  return [...fits.values()].slice(0, 3);
}

export const speedupCheck: Check = {
  name: 'speedup',
  says: 'a speedup is the ratio to the baseline that its cell, or its table for that model, names',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const record of document.records) {
      for (const field of record.fields) {
        const speedup = speedupIn(field);
        if (!speedup || field.quantities.some((q) => q.afterArrow)) continue;
        checkOne(judge, document, { record, field, quantity: speedup });
      }
    }
    return judge.verdicts;
  },
};

function checkOne(judge: Judge, document: AuditDocument, told: Figure): void {
  const { record, field, quantity } = told;
  const arrow = record.fields
    .filter((f) => f.role === 'latency' || f.role === 'change')
    .map(arrowPair)
    .find((pair) => pair?.to.unit?.dimension === 'time');
  if (arrow) {
    const ratio = ratioOf(true, arrow.to, arrow.from);
    judge.rests(quantity, arrow.to, arrow.from);
    if (ratio && meets(ratio, quantity.interval)) {
      judge.held();
      return;
    }
    if (ratio) {
      refuteArrow(judge, told, arrow);
      return;
    }
  }
  const all = attempts(document, record);
  const isBase = isBaseline(record);
  // A quantized row that says 1.0× is the baseline only where no row in full precision is.
  const tried =
    isBase && isQuantized(record) ? all.filter((a) => !isQuantized(a.base.record)) : all;
  if (isBase && (tried.length === 0 || !isQuantized(record))) return;
  if (tried.length === 0) {
    confounded(judge, document, told);
    return;
  }
  const right = tried.find(({ ratio }) => meets(ratio, quantity.interval));
  if (right) {
    judge.rests(quantity, right.value.quantity, right.base.quantity);
    const also = elseDiffering(record, right.base.record);
    if (also === null) judge.held();
    else tellConfounded(judge, told, right, also);
    return;
  }
  const [first] = tried as [Attempt, ...Attempt[]];
  judge.rests(quantity, first.value.quantity, first.base.quantity);
  const { value, base, ratio } = first;
  const isTime = TIMES.has(value.field.role as string);
  const [top, bottom] = isTime ? [base, value] : [value, base];
  const times = pointOf(top.quantity) / pointOf(bottom.quantity);
  const fits = fitting(document, first, quantity);
  const needs = needed(isTime ? base : value, quantity);
  const wanted = isTime ? 'a time' : 'a baseline';
  const instead =
    fits.length > 0
      ? `${quantity.text} needs ${wanted} of ${needs ? shownInterval(needs) : '—'}: ` +
        `${fits.join(', ')} fits`
      : `no other value of the document makes ${quantity.text} true`;
  judge.found({
    severity: 'refuted',
    place: placeOf(field.place, quantity),
    written: `${field.label} ${quantity.text}`,
    arithmetic:
      `${citation(top)} / ${citation(bottom)} = ${shown(times)}, ` +
      `with rounding ${shownInterval(ratio)}`,
    follows: `against the baseline that is named it is not ${quantity.text}; ${instead}`,
    replacement: inPlaceOf(quantity.text, times),
  });
}

function refuteArrow(
  judge: Judge,
  { field, quantity }: Figure,
  arrow: { from: Quantity; to: Quantity },
): void {
  const times = pointOf(arrow.from) / pointOf(arrow.to);
  judge.found({
    severity: 'refuted',
    place: placeOf(field.place, quantity),
    written: `${field.label} ${quantity.text}`,
    arithmetic: `${arrow.from.text} / ${arrow.to.text} = ${shown(times)}`,
    follows: 'the two times beside it give another speedup',
    replacement: inPlaceOf(quantity.text, times),
  });
}

/** What else than the precision differs, where both records say it; null: nothing. */
function elseDiffering(record: DataRecord, base: DataRecord): string | null {
  for (const role of ['hardware', 'batchSize'] as const) {
    const [own, other] = [textOf(record, role), textOf(base, role)];
    if (own !== null && other !== null && own !== other) {
      return `${role === 'hardware' ? 'machine' : 'batch size'} (${other}, then ${own})`;
    }
  }
  return null;
}

function tellConfounded(
  judge: Judge,
  { field, quantity }: Figure,
  { value, base }: Attempt,
  what: string,
): void {
  judge.found({
    severity: 'suspicious',
    place: placeOf(field.place, quantity),
    written: `${field.label} ${quantity.text}`,
    arithmetic: `${citation(value)} against ${citation(base)}`,
    follows:
      `the baseline differs in another thing too: its ${what}; the ratio is not the effect ` +
      'of either alone',
  });
}

/** No baseline of its own model: does another model's make it true? */
function confounded(judge: Judge, document: AuditDocument, told: Figure): void {
  const { record, field, quantity } = told;
  for (const value of speedsOf(record)) {
    const isTime = TIMES.has(value.field.role as string);
    for (const base of baselinesOf(document, value).other) {
      const ratio = ratioOf(isTime, value.quantity, base.quantity);
      if (!ratio || !meets(ratio, quantity.interval)) continue;
      judge.found({
        severity: 'suspicious',
        place: placeOf(field.place, quantity),
        written: `${field.label} ${quantity.text}`,
        arithmetic: `${citation(value)} against ${citation(base)}`,
        follows:
          `the baseline is another model (${modelName(base.record)}, not ${modelName(record)}): ` +
          'two things changed at once, so the ratio is not the effect of either',
      });
      return;
    }
  }
}
