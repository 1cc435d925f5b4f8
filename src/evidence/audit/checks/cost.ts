/** Cost per 1K or 1M from a price per hour and a throughput. */
import type { Check } from '../check.ts';
import { inPlaceOf, Judge, shown, shownInterval } from '../finding.ts';
import { divide, exactly, meets, middleOf, multiply, scale } from '../interval.ts';
import { inBase, type Quantity } from '../quantity.ts';
import { type AuditDocument, type DataRecord, type Field, figure, placeOf } from '../record.ts';
import { words } from '../role.ts';

const PER = /\bcost per (1k|1m|1000|1,000|thousand|million|1,000,000)\b/;
const PRICE = /\b(?:price|cost|rate)\b.*\b(?:hour|hr|h)\b|\b(?:hourly|usd per hour)\b/;

const manyOf = (label: string): number | null => {
  const per = PER.exec(words(label))?.[1];
  if (per === undefined) return null;
  return /m/.test(per) || per === '1,000,000' ? 1e6 : 1e3;
};

const priceIn = (record: DataRecord): Quantity | null => {
  const field = record.fields.find((f) => PRICE.test(words(f.label)) && manyOf(f.label) === null);
  return field?.quantities[0] ?? null;
};

/** The record's own price, else the only one of the document. */
function priceOf(document: AuditDocument, record: DataRecord): Quantity | null {
  const own = priceIn(record);
  if (own) return own;
  const prices = document.records.flatMap((r) => priceIn(r) ?? []);
  return new Set(prices.map((p) => p.value)).size === 1 ? (prices[0] ?? null) : null;
}

export const costCheck: Check = {
  name: 'cost',
  says: 'a cost per 1K is the price of an hour / 3600 × 1000 / throughput',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const record of document.records) {
      for (const field of record.fields) {
        const many = manyOf(field.label);
        if (many !== null) checkOne(judge, { document, record, field, many });
      }
    }
    return judge.verdicts;
  },
};

function checkOne(
  judge: Judge,
  told: { document: AuditDocument; record: DataRecord; field: Field; many: number },
): void {
  const { document, record, field, many } = told;
  const cost = field.quantities.length === 1 ? field.quantities[0] : undefined;
  const rate = figure(record, 'throughput');
  const price = cost && rate ? priceOf(document, record) : null;
  if (!cost || !rate || !price) return;
  const seconds = divide(exactly(many), inBase(rate.quantity));
  if (!seconds) return;
  const expected = multiply(scale(price.interval, 1 / 3600), seconds);
  judge.rests(cost, rate.quantity);
  if (meets(expected, cost.interval)) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'refuted',
    place: placeOf(field.place, cost),
    written: `${field.label} ${cost.text}`,
    arithmetic:
      `${price.text} / 3600 × ${many} / ${rate.quantity.text} = ` +
      `${shown(middleOf(expected))}, with rounding ${shownInterval(expected)}`,
    follows: 'the cost does not follow from the price of an hour and the throughput',
    replacement: inPlaceOf(cost.text, middleOf(expected)),
  });
}
