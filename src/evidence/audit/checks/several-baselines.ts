/** Several values called the baseline of one thing: relative to which of them is a speedup? */
import { citation, type Figure, isBaseline, namedBaseline } from '../baseline.ts';
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { meets } from '../interval.ts';
import { inBase } from '../quantity.ts';
import {
  type AuditDocument,
  type DataRecord,
  inherited,
  modelName,
  placeOf,
  precisionOf,
  textOf,
} from '../record.ts';
import { anyWord, words } from '../role.ts';

/** Settings that make two measurements two things. Purpose, notes and run counts do not. */
const SETTING = anyWord(
  ...['type', 'dataset', 'budget', 'workload', 'context', 'sequence length', 'input'],
  ...['output length', 'users', 'concurrency', 'flash attention', 'backend', 'engine'],
  ...['server', 'method'],
);

/** What must agree for two baselines to be of one thing. */
function subject(record: DataRecord): string {
  const facts = [modelName(record), inherited(record, 'hardware'), textOf(record, 'batchSize')];
  const settings = record.fields.filter(
    (f) => SETTING.test(words(f.label)) && f.role !== 'precision' && f.role !== 'model',
  );
  return [...facts, ...settings.map((f) => `${words(f.label)}=${words(f.text)}`)].join('|');
}

interface Base {
  readonly figure: Figure;
  readonly precision: string | null;
}

function basesOf(document: AuditDocument): Base[] {
  return document.records.flatMap((record) =>
    record.fields.flatMap((field): Base[] => {
      const quantity = field.quantities.find((q) => !q.spread && !q.versus);
      if (field.role !== 'throughput' || !quantity || modelName(record) === null) return [];
      const told: Figure = { record, field, quantity };
      const named = namedBaseline(told);
      // `vs 10.75 baseline` is the whole precision's value, whatever the record's own is.
      if (named) return [{ figure: named, precision: null }];
      return isBaseline(record) ? [{ figure: told, precision: precisionOf(record) }] : [];
    }),
  );
}

export const severalBaselinesCheck: Check = {
  name: 'several-baselines',
  says: 'one model at one precision on one machine has one baseline',
  run(document) {
    const judge = new Judge(this.name, document);
    const groups = new Map<string, Base[]>();
    for (const base of basesOf(document)) {
      const key = `${subject(base.figure.record)}|${words(base.figure.quantity.unit?.text ?? '')}`;
      groups.set(key, [...(groups.get(key) ?? []), base]);
    }
    for (const bases of groups.values()) checkGroup(judge, bases);
    return judge.verdicts;
  },
};

function checkGroup(judge: Judge, bases: readonly Base[]): void {
  const distinct: Base[] = [];
  for (const base of bases) {
    const rivals = distinct.filter((d) => compatible(d, base));
    if (rivals.length === 0 && distinct.length > 0) continue;
    const known = rivals.some((d) =>
      meets(inBase(d.figure.quantity), inBase(base.figure.quantity)),
    );
    if (!known) distinct.push(base);
  }
  if (distinct.length < 2) {
    if (bases.length > 0) judge.held();
    return;
  }
  const last = distinct.at(-1)?.figure as Figure;
  judge.found({
    severity: 'suspicious',
    place: placeOf(last.field.place, last.quantity),
    written:
      `${last.quantity.text} is one of ${distinct.length} baselines ` +
      `of ${modelName(last.record)}`,
    arithmetic: distinct
      .slice(0, 6)
      .map(({ figure }) => citation(figure))
      .join(' ≠ '),
    follows: 'a speedup means nothing before it is said against which of them',
  });
}

const compatible = (a: Base, b: Base): boolean =>
  a.precision === null || b.precision === null || a.precision === b.precision;
