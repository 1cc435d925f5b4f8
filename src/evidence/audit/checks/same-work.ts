/** Two runs of one work, with and without something: did they do the same work? */
import type { Check } from '../check.ts';
import { Judge, shown } from '../finding.ts';
import { byGroup, type DataRecord, type Field, figure, placeOf } from '../record.ts';
import { words } from '../role.ts';

/** `no_log` beside `log`, `baseline` beside `patched`: an overhead is their difference. */
const WITHOUT = /^(?:no|without|baseline|off|disabled|plain|vanilla)(?: .*)?$/;

const nameOf = (record: DataRecord): string => words(record.title.split('.').at(-1) as string);

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
  run(document) {
    const judge = new Judge(this.name, document);
    for (const pair of byGroup(
      document.records.filter((r) => r.kind === 'object' && r.fields.length > 0),
    )) {
      const base = pair.find((r) => WITHOUT.test(nameOf(r)));
      const [other] = pair.filter((r) => r !== base && made(r));
      const [a, b] = [base && made(base), other && made(other)];
      if (!base || !other || pair.length !== 2 || !a || !b) continue;
      if (a.text === b.text) {
        judge.held();
        continue;
      }
      judge.found({
        severity: 'suspicious',
        place: placeOf(b.place, { at: 0, text: b.text }),
        written: `${nameOf(other)} generated ${b.text}, ${nameOf(base)} ${a.text}`,
        arithmetic: overheads(base, other),
        follows:
          'the two did not do the same work: decoding is not deterministic here, and a difference ' +
          'in speed is not the overhead alone',
      });
    }
    return judge.verdicts;
  },
};

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
