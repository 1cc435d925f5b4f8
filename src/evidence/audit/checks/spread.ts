/** ± what: a spread has the unit of what it is the spread of; and 95 % intervals from std and n. */
import type { Check, CheckContext } from '../check.ts';
import { inPlaceOf, Judge, shown } from '../finding.ts';
import { meets, middleOf, scale } from '../interval.ts';
import { inBase, type Quantity } from '../quantity.ts';
import { type DataRecord, type Field, figure, modelName, placeOf } from '../record.ts';
import { words } from '../role.ts';

const NAMES = { time: 'a time', bytes: 'a size', rate: 'a rate', percent: 'a percentage' } as const;
type Named = keyof typeof NAMES;

const nameOf = (q: Quantity): string => NAMES[q.unit?.dimension as Named] ?? 'something else';

export const spreadCheck: Check = {
  name: 'spread',
  says: 'a ± has the unit of its value (or is a percentage), a 95 % interval is that of std and n',
  run(document, context) {
    const judge = new Judge(this.name, document);
    for (const record of document.records) {
      for (const field of record.fields) checkUnits(judge, field, record, context);
      checkInterval(judge, record);
    }
    return judge.verdicts;
  },
};

function checkUnits(judge: Judge, field: Field, record: DataRecord, context: CheckContext): void {
  for (const [i, spread] of field.quantities.entries()) {
    const value = field.quantities[i - 1];
    if (!spread.spread || !value || value.spread || spread.at - value.end > 5) continue;
    const [own, of] = [spread.unit?.dimension, value.unit?.dimension];
    if (!own || !of || own === of || own === 'percent' || own === 'ratio') {
      judge.held();
      continue;
    }
    judge.found({
      severity: 'refuted',
      place: placeOf(field.place, spread),
      written: `${value.text} ${value.unit?.text} ± ${spread.text} ${spread.unit?.text}`,
      arithmetic:
        `${spread.text} ${spread.unit?.text} is ${nameOf(spread)}, ` +
        `${value.text} ${value.unit?.text} is ${nameOf(value)}` +
        relative(value, spread, record, context),
      follows: 'it cannot be the spread of that value: it is the spread of something not printed',
    });
  }
}

/** With the tokens of a run, the time that the spread is of, and how large it is beside it. */
function relative(
  value: Quantity,
  spread: Quantity,
  record: DataRecord,
  { documents }: CheckContext,
): string {
  if (value.unit?.dimension !== 'rate' || spread.unit?.dimension !== 'time') return '';
  const model = modelName(record);
  const all = documents.flatMap((document) => document.records);
  const fields = all.flatMap((r) =>
    r.fields
      .filter((f) =>
        /\bmean (?:tokens|samples) generated\b|\btokens per run\b/.test(words(f.label)),
      )
      .map((f) => ({ f, r })),
  );
  const known =
    fields.find(({ r }) => modelName(r) === model) ?? (fields.length === 1 ? fields[0] : null);
  const tokens = known?.f.quantities[0]?.value;
  if (!tokens) return "; as the spread of a run's time it says nothing without the tokens of a run";
  const mean = tokens / value.value;
  const share = (middleOf(inBase(spread)) / mean) * 100;
  return (
    `; with ${tokens} tokens a run (line ${known?.f.place.line} of the results) the mean time is ` +
    `${shown(Number(mean.toPrecision(3)))} s, and the spread ${Math.round(share)} % of it`
  );
}

/** 1.96·s/√n, or Student's t for few runs: either is a 95 % interval that someone may print. */
const T95: Readonly<Record<number, number>> = {
  2: 12.706,
  3: 4.303,
  4: 3.182,
  5: 2.776,
  6: 2.571,
  7: 2.447,
  8: 2.365,
  9: 2.306,
  10: 2.262,
  20: 2.093,
  30: 2.045,
};

function checkInterval(judge: Judge, record: DataRecord): void {
  const interval = figure(record, 'interval');
  const n = figure(record, 'runs')?.quantity.value;
  const spreads = record.fields.filter((f) => f.role === 'spread' && f.quantities.length === 1);
  const s = spreads.length === 1 ? spreads[0]?.quantities[0] : undefined;
  if (!interval || !s || !n || n < 2 || interval.field.quantities.length !== 1) return;
  const factors = [1.96, 2, T95[n] ?? 1.96];
  judge.rests(interval.quantity, s);
  const fits = factors.some((t) =>
    meets(scale(s.interval, t / Math.sqrt(n)), interval.quantity.interval),
  );
  if (fits) {
    judge.held();
    return;
  }
  const expected = (1.96 * s.value) / Math.sqrt(n);
  judge.found({
    severity: 'refuted',
    place: placeOf(interval.field.place, interval.quantity),
    written: `${interval.field.label} ${interval.quantity.text}`,
    arithmetic: `1.96 × ${s.text} / √${n} = ${shown(expected)}`,
    follows: 'the interval is not that of this spread over this many runs',
    replacement: inPlaceOf(interval.quantity.text, expected),
  });
}
