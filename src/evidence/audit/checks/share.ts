/** Reductions and degradations in percent, against the same model's baseline. */
import { arrowPair, baselinesOf, citation, type Figure, isBaseline } from '../baseline.ts';
import type { Check } from '../check.ts';
import { inPlaceOf, Judge, shown, shownInterval } from '../finding.ts';
import { divide, exactly, type Interval, meets, scale, subtract } from '../interval.ts';
import { inBase, pointOf, type Quantity, quantitiesIn } from '../quantity.ts';
import {
  type AuditDocument,
  type DataRecord,
  type Field,
  type Passage,
  placeOf,
} from '../record.ts';
import { type Role, statisticOf, words } from '../role.ts';

/** What a label's share is of, from its words; the first that the record has a number for. */
function subjects(field: Field): Role[] {
  const plain = words(field.label);
  if (field.role === 'degradation') {
    return /perplexity|ppl/.test(plain)
      ? ['perplexity']
      : ['perplexity', 'tokenAccuracy', 'accuracy'];
  }
  if (field.role === 'change') {
    if (/throughput|speed|tokens|samples/.test(plain)) return ['throughput'];
    return /latency|time/.test(plain) ? ['latency', 'duration'] : [];
  }
  if (/size/.test(plain)) return ['size'];
  if (/latency|time/.test(plain)) return ['latency', 'duration'];
  return ['memory', 'size'];
}

function percentIn(field: Field): Quantity | null {
  const [first] = field.quantities;
  if (!first || field.quantities.length > 1 || first.spread || first.afterArrow) return null;
  if (first.unit?.dimension === 'percent') return first;
  return field.role === 'degradation' && !first.unit ? first : null;
}

/** In percent: 1 − value/base, or how much worse: value/base − 1 (perplexity), base − value. */
function shareOf(field: Field, value: Figure, base: Figure): Interval | null {
  const quotient = divide(inBase(value.quantity), inBase(base.quantity));
  if (!quotient) return null;
  const worse =
    field.role === 'degradation' && value.field.role === 'perplexity'
      ? subtract(quotient, exactly(1))
      : subtract(exactly(1), quotient);
  return scale(worse, 100);
}

/** Whether a signed or unsigned share, in percent, in points, or (of a perplexity) as it is. */
function fits(field: Field, printed: Quantity, { value, base, share }: Attempt): boolean {
  const { low, high } = printed.interval;
  const sides = [printed.interval, { low: -high, high: -low }];
  const apart = subtract(inBase(base.quantity), inBase(value.quantity));
  const isShare = value.quantity.unit?.dimension === 'percent';
  const isChange = field.role === 'change';
  const more = divide(inBase(value.quantity), inBase(base.quantity));
  const faster = divide(inBase(base.quantity), inBase(value.quantity));
  // "35 % faster" is v/b − 1 of a rate, and of a time either 1 − v/b or b/v − 1.
  const changes = isChange ? [more, faster].flatMap((r) => (r ? [lessOne(r)] : [])) : [];
  const points = isShare ? [scale(apart, 100)] : printed.unit === null ? [apart] : [];
  return [share, ...points, ...changes].some((expected) =>
    sides.some((side) => meets(expected, side)),
  );
}

const lessOne = (ratio: Interval): Interval => scale(subtract(ratio, exactly(1)), 100);

interface Attempt {
  readonly value: Figure;
  readonly base: Figure;
  readonly share: Interval;
}

function attempts(document: AuditDocument, record: DataRecord, field: Field): Attempt[] {
  return subjects(field).flatMap((role) =>
    record.fields
      .filter((f) => f.role === role && statisticOf(f.label) === statisticOf(field.label))
      .flatMap((f): Attempt[] => {
        const quantity = f.quantities.find((q) => !q.spread && !q.versus);
        if (!quantity) return [];
        const value = { record, field: f, quantity };
        return baselinesOf(document, value).same.flatMap((base) => {
          const share = shareOf(field, value, base);
          return share ? [{ value, base, share }] : [];
        });
      }),
  );
}

const SHARES: ReadonlySet<string | null> = new Set(['reduction', 'degradation', 'change']);

export const shareCheck: Check = {
  name: 'reduction',
  says: 'a reduction or degradation in percent follows from the value beside it and its baseline',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const record of document.records) {
      for (const field of record.fields) {
        if (!SHARES.has(field.role)) continue;
        const percent = percentIn(field);
        if (percent && !isBaseline(record))
          checkOne(judge, document, { record, field, quantity: percent });
      }
    }
    for (const passage of document.passages) checkArrow(judge, passage);
    return judge.verdicts;
  },
};

function checkOne(judge: Judge, document: AuditDocument, told: Figure): void {
  const { record, field, quantity } = told;
  const tried = attempts(document, record, field);
  const [first] = tried;
  if (!first) return;
  const right = tried.find((attempt) => fits(field, quantity, attempt)) ?? first;
  judge.rests(quantity, right.value.quantity, right.base.quantity);
  if (fits(field, quantity, right)) {
    judge.held();
    return;
  }
  const { value, base, share } = first;
  const quotient = pointOf(value.quantity) / pointOf(base.quantity);
  const isMore = field.role === 'degradation' && value.field.role === 'perplexity';
  const percent = (isMore ? quotient - 1 : 1 - quotient) * 100;
  judge.found({
    severity: 'refuted',
    place: placeOf(field.place, quantity),
    written: `${field.label} ${quantity.text} %`,
    arithmetic:
      `${citation(value)} against ${citation(base)}: ${shown(percent)} %, ` +
      `with rounding ${shownInterval(share)} %`,
    follows: 'the percentage does not follow from the two values',
    replacement: inPlaceOf(quantity.text, percent),
  });
}

/** `4 GB → 2 GB (50% reduction)`, `69 ms → 41 ms, 1.69×`: all three numbers in one text. */
function checkArrow(judge: Judge, { text, place }: Passage): void {
  if (!/→|->|=>/.test(text)) return;
  const quantities = quantitiesIn(text);
  const arrow = arrowPair({ quantities });
  if (!arrow || arrow.from.unit?.dimension === 'percent') return;
  const quotient = divide(inBase(arrow.to), inBase(arrow.from));
  const inverse = divide(inBase(arrow.from), inBase(arrow.to));
  const said = quantities.find(
    (q) =>
      (q.unit?.dimension === 'percent' || q.unit?.dimension === 'ratio') &&
      !q.spread &&
      q.at > arrow.to.at &&
      q.at - arrow.to.end < 20,
  );
  if (!quotient || !inverse || !said) return;
  const isTimes = said.unit?.dimension === 'ratio';
  const less = scale(subtract(exactly(1), quotient), 100);
  const expected = isTimes ? [quotient, inverse] : [less, { low: -less.high, high: -less.low }];
  if (expected.some((range) => meets(range, said.interval))) {
    judge.held();
    return;
  }
  const point = pointOf(arrow.to) / pointOf(arrow.from);
  const right = isTimes ? 1 / point : Math.abs(1 - point) * 100;
  const sum = isTimes
    ? `${arrow.from.text} / ${arrow.to.text}`
    : `1 − ${arrow.to.text} / ${arrow.from.text}`;
  judge.found({
    severity: 'refuted',
    place: placeOf(place, said),
    written: `${arrow.from.text} → ${arrow.to.text}, ${said.text} ${said.unit?.text}`,
    arithmetic: `${sum} = ${shown(right)}${isTimes ? '' : ' %'}`,
    follows: 'it does not follow from the two values beside it',
    replacement: inPlaceOf(said.text, right),
  });
}
