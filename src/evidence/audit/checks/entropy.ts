/** Entropies: log(n) and its base, and no entropy above its maximum. */
import type { Check } from '../check.ts';
import { Judge, shown } from '../finding.ts';
import { meets, roundingInterval } from '../interval.ts';
import { type Passage, placeOf } from '../record.ts';

/** `log(60) ≈ 5.907 bits`, `log2(60) = 5.91`, `ln(60) = 4.09 nats`. */
const LOGARITHM =
  /\b(log_?2|log2|log|ln)\s*\(\s*(\d[\d,]*)\s*\)\s*(?:=|≈|~|is|\(?approx\.?\)?)\s*(\d+\.\d+)\s*(bits?|nats?)?/dgi;
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
    for (const record of document.records) {
      const entropy = record.fields.filter((f) => f.role === 'entropy' && f.quantities[0]);
      const experts = record.fields.find((f) => /\bnum(?:ber of)?_? ?experts\b/i.test(f.label));
      const n = experts?.quantities[0]?.value;
      for (const field of entropy) {
        const h = field.quantities[0];
        const nats = h?.unit?.text.startsWith('nat') ?? false;
        const most = n === undefined ? null : nats ? Math.log(n) : Math.log2(n);
        if (!h || most === null) continue;
        judge.rests(h);
        if (h.interval.low <= most * (1 + 1e-9)) judge.held();
        else {
          judge.found({
            severity: 'refuted',
            place: placeOf(field.place, h),
            written: `${field.label} ${h.text}`,
            arithmetic: `of ${n} outcomes at most ${shown(most)} ${nats ? 'nats' : 'bits'}`,
            follows: 'no distribution over that many outcomes has this entropy',
          });
        }
      }
    }
    return judge.verdicts;
  },
};

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
