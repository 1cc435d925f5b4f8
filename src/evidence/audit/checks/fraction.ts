/** `66% (29/44 tasks)`, `29 of 44 (65.9 %)`, and records with correct, total and a percentage. */
import type { Check } from '../check.ts';
import { inPlaceOf, Judge, shown, shownInterval } from '../finding.ts';
import { divide, exactly, type Interval, meets, roundingInterval, scale } from '../interval.ts';
import { type DataRecord, type Field, type Passage, placeOf } from '../record.ts';
import { words } from '../role.ts';

const PERCENT = String.raw`(?<percent>\d+(?:\.\d+)?)\s*%`;
const PARTS = String.raw`(?<part>\d[\d,]*)\s*(?:\/|of|out of)\s*(?<whole>\d[\d,]*)`;
const FORMS = [
  new RegExp(String.raw`(?<![\d.])${PERCENT}\s*[([]\s*${PARTS}(?![\d.]*\d*%)`, 'gd'),
  new RegExp(String.raw`(?<![\d./-])${PARTS}\s*[\p{L} ]{0,30}?\s*[(=,:]\s*${PERCENT}`, 'gdu'),
];

interface Share {
  readonly part: string;
  readonly whole: string;
  readonly percent: string;
  readonly percentAt: number;
}

/** `Epoch 3/10: 45 %` tells two things. */
const PROGRESS = /\b(?:epoch|step|batch|shard|rank|phase|stage|part|layer|fold|run)s?\s*:?\s*$/i;

function sharesIn(text: string): Share[] {
  return FORMS.flatMap((form) =>
    [...text.matchAll(form)].flatMap((match): Share[] => {
      if (PROGRESS.test(text.slice(0, match.index))) return [];
      const { part = '', whole = '', percent = '' } = match.groups ?? {};
      const at = match.indices?.groups?.percent?.[0] ?? 0;
      return [{ part, whole, percent, percentAt: at }];
    }),
  );
}

const count = (text: string): number => Number(text.replaceAll(',', ''));

export const fractionCheck: Check = {
  name: 'fraction',
  says: 'a percentage beside "a/b" or "a of b" is a/b; so is an accuracy beside correct and total',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const passage of document.passages) {
      for (const share of sharesIn(passage.text)) checkShare(judge, passage, share);
    }
    for (const record of document.records) checkRecord(judge, record);
    return judge.verdicts;
  },
};

function checkShare(judge: Judge, { place }: Passage, share: Share): void {
  const whole = count(share.whole);
  if (whole === 0) return;
  const value = (count(share.part) / whole) * 100;
  if (meets(exactly(value), roundingInterval(share.percent))) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'refuted',
    place: placeOf(place, { at: share.percentAt, text: share.percent }),
    written: `${share.percent} % beside ${share.part} of ${share.whole}`,
    arithmetic: `${share.part} / ${share.whole} = ${shown(value)} %`,
    follows: 'percentage and counts do not agree',
    replacement: inPlaceOf(share.percent, value),
  });
}

const PART = /^(?:(?:num |total )?(?:correct|passed|successes|succeeded|hits)|\w+ completed)$/;
const WHOLE = /^(?:(?:num |total )?(?:total|processed|count|n|samples|questions|items)|\w+ total)$/;
const SHARE = /^(?:accuracy|acc|pass rate|success rate|completion percentage|score)$/;

function one(record: DataRecord, pattern: RegExp): Field | null {
  const found = record.fields.filter((f) => pattern.test(words(f.label.replace(/\s*[([].*$/, ''))));
  return found.length === 1 && found[0]?.quantities.length === 1 ? found[0] : null;
}

function checkRecord(judge: Judge, record: DataRecord): void {
  const part = one(record, PART);
  const whole = one(record, WHOLE);
  const share = one(record, SHARE);
  if (!part || !whole || !share) return;
  const [p, w, s] = [part.quantities[0]!, whole.quantities[0]!, share.quantities[0]!];
  if (!Number.isInteger(p.value) || !Number.isInteger(w.value) || w.value === 0) return;
  judge.rests(p, w, s);
  const ratio = divide(exactly(p.value), exactly(w.value)) as Interval;
  const inPercent = s.unit?.dimension === 'percent' || s.value > 1;
  const expected = inPercent ? scale(ratio, 100) : ratio;
  if (meets(expected, s.interval)) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'refuted',
    place: placeOf(share.place, s),
    written: `${share.label} ${s.text}`,
    arithmetic: `${p.text} / ${w.text} = ${shownInterval(expected)}`,
    follows: `${share.label} does not follow from ${part.label} and ${whole.label}`,
    replacement: inPlaceOf(s.text, expected.low),
  });
}
