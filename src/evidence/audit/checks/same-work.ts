/** Two runs of one work, with and without something: did they do the same work? */
import type { Check } from '../check.ts';
import { Judge, shown, shownInterval } from '../finding.ts';
import { divide, exactly, type Interval, meets, scale, subtract } from '../interval.ts';
import { inBase } from '../quantity.ts';
import {
  type AuditDocument,
  byGroup,
  type DataRecord,
  type Field,
  figure,
  placeOf,
} from '../record.ts';
import { words } from '../role.ts';

/** `no_log` beside `log`, `baseline` beside `patched`: an overhead is their difference. */
const WITHOUT = /^(?:no|without|baseline|off|disabled|plain|vanilla)(?: .*)?$/;

const nameOf = (record: DataRecord): string =>
  words(
    record.kind === 'row'
      ? (record.fields[0]?.text ?? '')
      : (record.title.split('.').at(-1) as string),
  );

/** The run with something beside the run without; null: not such a pair. */
function pairIn(records: readonly DataRecord[]): { base: DataRecord; other: DataRecord } | null {
  const [a, b] = records;
  if (!a || !b || records.length !== 2) return null;
  const base = [a, b].find((r) => WITHOUT.test(nameOf(r)));
  const other = base === a ? b : a;
  return base && !WITHOUT.test(nameOf(other)) ? { base, other } : null;
}

function pairsOf(document: AuditDocument): { base: DataRecord; other: DataRecord }[] {
  const records = document.records.filter((r) => r.kind !== 'sentence' && r.fields.length > 0);
  return byGroup(records.filter((r) => r.kind !== 'section')).flatMap((g) => pairIn(g) ?? []);
}

/** What a run made; the same prompts, seed and greedy decoding make the same. */
function made(record: DataRecord): Field | null {
  return (
    record.fields.find((f) =>
      /^(?:tokens generated|output tokens|completion tokens)$/.test(words(f.label)),
    ) ?? null
  );
}

export const sameWorkCheck: Check = {
  name: 'same-work',
  says: 'two runs whose difference is an overhead generated the same number of tokens',
  run(document, { documents }) {
    const judge = new Judge(this.name, document);
    for (const { base, other } of pairsOf(document)) checkWork(judge, base, other);
    const pairs = documents.flatMap(pairsOf);
    for (const record of pairs.length > 0 ? document.records : []) {
      for (const field of record.fields) checkOverhead(judge, field, pairs);
    }
    return judge.verdicts;
  },
};

function checkWork(judge: Judge, base: DataRecord, other: DataRecord): void {
  const [a, b] = [made(base), made(other)];
  if (!a || !b) return;
  if (a.text === b.text) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'suspicious',
    place: placeOf(b.place, { at: 0, text: b.text }),
    written: `${nameOf(other)} generated ${b.text}, ${nameOf(base)} ${a.text}`,
    arithmetic: overheads(base, other),
    follows:
      'the two did not do the same work: decoding is not deterministic here, and a ' +
      'difference in speed is not the overhead alone',
  });
}

/** In percent: how much slower, by rate and by time, each of which people call the overhead. */
function overheadsOf(base: DataRecord, other: DataRecord): { by: string; range: Interval }[] {
  return (['throughput', 'duration'] as const).flatMap((role) => {
    const [x, y] = [figure(base, role), figure(other, role)];
    if (!x || !y) return [];
    const ratios = [
      divide(inBase(x.quantity), inBase(y.quantity)),
      divide(inBase(y.quantity), inBase(x.quantity)),
    ];
    return ratios.flatMap((ratio, i) => {
      if (!ratio) return [];
      // x/y − 1 for a rate, y/x − 1 for a time; 1 − y/x and 1 − x/y are said as well.
      const rises = (role === 'throughput') === (i === 0);
      const share = rises ? subtract(ratio, exactly(1)) : subtract(exactly(1), ratio);
      return [{ by: x.field.label, range: scale(share, 100) }];
    });
  });
}

/** `Overhead: 0.88 %` against the runs that it is between. */
function checkOverhead(
  judge: Judge,
  field: Field,
  pairs: readonly { base: DataRecord; other: DataRecord }[],
): void {
  const said = field.quantities.find((q) => q.unit?.dimension === 'percent');
  if (!/\boverhead\b/i.test(field.label) || !said) return;
  const all = pairs.flatMap(({ base, other }) => overheadsOf(base, other));
  if (all.length === 0) return;
  judge.rests(said);
  const sides = [said.interval, { low: -said.interval.high, high: -said.interval.low }];
  if (all.some(({ range }) => sides.some((side) => meets(range, side)))) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'refuted',
    place: placeOf(field.place, said),
    written: `${field.label} ${said.text} %`,
    arithmetic: all.map(({ by, range }) => `by ${by} ${shownInterval(range)} %`).join('; '),
    follows: 'the overhead does not follow from the two runs',
  });
}

/** By rate and by wall time: where they disagree, neither is the overhead. */
function overheads(base: DataRecord, other: DataRecord): string {
  const parts: string[] = [];
  for (const role of ['throughput', 'duration'] as const) {
    const [x, y] = [figure(base, role), figure(other, role)];
    if (!x || !y || x.quantity.value === 0) continue;
    const [from, to] = [x.quantity.value, y.quantity.value];
    const more = role === 'throughput' ? 1 - to / from : to / from - 1;
    parts.push(`overhead by ${x.field.label}: ${shown(Number((more * 100).toFixed(2)))} %`);
  }
  return parts.join('; ') || 'the counts differ';
}
