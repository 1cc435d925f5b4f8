/** perplexity = exp(mean loss in nats), where both are of the same text. */
import type { Check } from '../check.ts';
import { inPlaceOf, Judge, shown, shownInterval } from '../finding.ts';
import { meets, rising } from '../interval.ts';
import { type DataRecord, type Field, placeOf } from '../record.ts';
import { words } from '../role.ts';

/** A loss of training says nothing about a perplexity of validation. */
const SPLIT = /\b(train(?:ing)?|val(?:id(?:ation)?)?|eval|test)\b/;
const OTHER_UNIT = /\bper (?:word|byte|char)|\bbits?\b/;

const splitOf = (field: Field): string | null =>
  SPLIT.exec(words(field.label))?.[1]?.slice(0, 3) ?? null;

function only(record: DataRecord, role: 'loss' | 'perplexity'): Field | null {
  const found = record.fields.filter((f) => f.role === role && f.quantities.length === 1);
  const [first] = found;
  return found.length === 1 && first && !OTHER_UNIT.test(words(first.label)) ? first : null;
}

export const perplexityCheck: Check = {
  name: 'perplexity-loss',
  says: 'perplexity is exp(loss), where a record has one of each and both of the same split',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const record of document.records) {
      const loss = only(record, 'loss');
      const perplexity = only(record, 'perplexity');
      if (!loss || !perplexity || splitOf(loss) !== splitOf(perplexity)) continue;
      const l = loss.quantities[0]!;
      const p = perplexity.quantities[0]!;
      if (l.value < 0 || l.unit?.dimension === 'percent' || p.unit?.dimension === 'percent')
        continue;
      judge.rests(l, p);
      const expected = rising(l.interval, Math.exp);
      if (meets(expected, p.interval)) {
        judge.held();
        continue;
      }
      const bits = rising(l.interval, (x) => 2 ** x);
      const asBits = meets(bits, p.interval) ? `; 2^${l.text} fits: the loss is in bits` : '';
      judge.found({
        severity: 'refuted',
        place: placeOf(perplexity.place, p),
        written: `${perplexity.label} ${p.text} beside ${loss.label} ${l.text}`,
        arithmetic:
          `exp(${l.text}) = ${shown(Math.exp(l.value))}, with rounding ` +
          `${shownInterval(expected)}; ln(${p.text}) = ${shown(Math.log(p.value))}${asBits}`,
        follows: 'one of the two numbers is not of this run',
        replacement: inPlaceOf(p.text, Math.exp(l.value)),
      });
    }
    return judge.verdicts;
  },
};
