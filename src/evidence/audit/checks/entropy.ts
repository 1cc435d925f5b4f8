/** Entropies: log(n) and its base, and no entropy above its maximum. */
import type { Check } from '../check.ts';
import { inPlaceOf, Judge, shown } from '../finding.ts';
import { divide, meets, middleOf, roundingInterval, scale } from '../interval.ts';
import { type DataRecord, type Field, type Passage, placeOf } from '../record.ts';
import { words } from '../role.ts';

/** `log(60) ≈ 5.907 bits`, `log2(60) = 5.91`, `ln(60) = 4.09 nats`. */
const LOGARITHM = new RegExp(
  String.raw`\b(log_?2|log2|log|ln)\s*\(\s*(\d[\d,]*)\s*\)\s*` +
    String.raw`(?:=|≈|~|is|\(?approx\.?\)?)\s*(\d+\.\d+)\s*(bits?|nats?)?`,
  'dgi',
);
/** `entropy: 2.39 bits (max 5.91)`, `2.39 of 5.91 bits`. */
const SHARE =
  /(\d+\.\d+)\s*(?:\/|of)\s*(\d+\.\d+)\s*(bits?|nats?)\s*[(=,]\s*(\d+(?:\.\d+)?)\s*%/dgi;

export const entropyCheck: Check = {
  name: 'entropy',
  says: 'log(n) has the value that its base gives, and an entropy is not above its maximum',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const passage of document.passages) {
      for (const match of passage.text.matchAll(LOGARITHM)) checkLogarithm(judge, passage, match);
      for (const match of passage.text.matchAll(SHARE)) checkShare(judge, passage, match);
    }
    for (const record of document.records) checkRecord(judge, record);
    return judge.verdicts;
  },
};

interface Entropies {
  readonly value: Field | null;
  readonly most: Field | null;
  readonly share: Field | null;
}

function entropiesOf(record: DataRecord): Entropies {
  const fields = record.fields.filter((f) => f.role === 'entropy' && f.quantities.length > 0);
  const most = fields.find((f) => /\b(?:max(?:imum)?|theoretical)\b/.test(words(f.label))) ?? null;
  const isShare = (f: Field): boolean =>
    /\b(?:normali[sz]ed|relative|ratio|efficiency|uniformity)\b/.test(words(f.label));
  const share = fields.find((f) => f !== most && isShare(f)) ?? null;
  const rest = fields.filter((f) => f !== most && f !== share);
  return { value: rest.length === 1 ? (rest[0] as Field) : null, most, share };
}

/** An entropy, its maximum and their ratio, where one record has them. */
function checkRecord(judge: Judge, record: DataRecord): void {
  const { value, most, share } = entropiesOf(record);
  const h = value?.quantities[0];
  const m = most?.quantities[0];
  const experts = record.fields.find((f) =>
    /^(?:num(?:ber of)? |total )?experts$/.test(words(f.label)),
  );
  const n = experts?.quantities[0]?.value;
  const nats = h?.unit?.text.startsWith('nat') ?? false;
  const bound = m?.interval.high ?? (n === undefined ? null : nats ? Math.log(n) : Math.log2(n));
  if (value && h && bound !== null) {
    judge.rests(h, m);
    if (h.interval.low <= bound * (1 + 1e-9)) judge.held();
    else {
      judge.found({
        severity: 'refuted',
        place: placeOf(value.place, h),
        written: `${value.label} ${h.text}`,
        arithmetic: `at most ${shown(bound)} ${nats ? 'nats' : 'bits'}`,
        follows: 'no distribution over that many outcomes has this entropy',
      });
    }
  }
  const s = share?.quantities[0];
  if (!h || !m || !s || !share) return;
  const quotient = divide(h.interval, m.interval);
  if (!quotient) return;
  const expected = s.unit?.dimension === 'percent' ? scale(quotient, 100) : quotient;
  judge.rests(s);
  if (meets(expected, s.interval)) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'refuted',
    place: placeOf(share.place, s),
    written: `${share.label} ${s.text}`,
    arithmetic: `${h.text} / ${m.text} = ${shown(middleOf(expected))}`,
    follows: 'the share of the maximum does not follow',
    replacement: inPlaceOf(s.text, middleOf(expected)),
  });
}

function checkLogarithm(judge: Judge, { place }: Passage, match: RegExpExecArray): void {
  const [, name = '', argument = '', value = '', unit = ''] = match;
  const n = Number(argument.replaceAll(',', ''));
  const printed = roundingInterval(value);
  const bases = [
    { base: '2', unit: 'bit', value: Math.log2(n) },
    { base: 'e', unit: 'nat', value: Math.log(n) },
    { base: '10', unit: '', value: Math.log10(n) },
  ];
  const fits = bases.find((b) => meets({ low: b.value, high: b.value }, printed));
  const lower = name.toLowerCase();
  const wanted = lower === 'ln' ? 'e' : lower === 'log' ? null : '2';
  const said = unit.toLowerCase().replace(/s$/, '');
  const base = wanted ?? (said === 'bit' ? '2' : said === 'nat' ? 'e' : null);
  if (fits && (base === null || fits.base === base)) {
    judge.held();
    return;
  }
  const right = bases.find((b) => b.base === (base ?? '2'));
  judge.found({
    severity: 'refuted',
    place: placeOf(place, { at: match.indices?.[3]?.[0] ?? match.index, text: value }),
    written: match[0],
    arithmetic: bases.map((b) => `log to base ${b.base} of ${n} = ${shown(b.value)}`).join('; '),
    follows: fits
      ? `the value is to base ${fits.base}: nats and bits are mixed up`
      : 'no base fits',
    ...(right ? { replacement: right.value.toFixed(/\.(\d+)/.exec(value)?.[1]?.length ?? 3) } : {}),
  });
}

function checkShare(judge: Judge, { place }: Passage, match: RegExpExecArray): void {
  const [, value = '', most = '', , percent = ''] = match;
  const share = (Number(value) / Number(most)) * 100;
  const reach = share * (0.5 * 10 ** -(value.split('.')[1]?.length ?? 0)) * 2;
  const printed = roundingInterval(percent);
  if (meets({ low: share - reach, high: share + reach }, printed)) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'refuted',
    place: placeOf(place, { at: match.indices?.[4]?.[0] ?? match.index, text: percent }),
    written: match[0],
    arithmetic: `${value} / ${most} = ${shown(share)} %`,
    follows: 'the share of the maximum does not follow',
  });
}
