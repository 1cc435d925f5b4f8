/** Parts that must add up: columns with a total row, totals over child records, outcomes. */
import type { Check } from '../check.ts';
import { Judge, shown } from '../finding.ts';
import { add, exactly, type Interval, meets, middleOf } from '../interval.ts';
import { asCount } from '../quantity.ts';
import {
  type AuditDocument,
  childrenOf,
  type DataRecord,
  type Field,
  placeOf,
  type Table,
} from '../record.ts';
import { anyWord, words } from '../role.ts';

export const sumCheck: Check = {
  name: 'sum',
  says: 'a total is the sum of its parts: of the rows above it, of child records, of outcomes',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const table of document.tables) checkTotalRow(judge, table);
    for (const [record, below] of membersOf(document)) checkChildren(judge, record, below);
    checkOutcomes(judge, document);
    return judge.verdicts;
  },
};

const TOTAL = /^\W*(?:total|sum|overall|all|aggregated)\W*$/i;
/** What adds up; a rate, a mean or a share does not. */
const ADDS = anyWord(
  ...['count', 'total', 'number', 'requests', 'samples', 'tokens', 'correct', 'failed'],
  ...['failures', 'errors', 'size', 'bytes', 'gb', 'mb', 'time', 'duration', 'items'],
  ...['runs', 'files', 'tensors', 'parameters', 'cost'],
);
const NEVER =
  /\b(?:mean|avg|average|median|p\d\d|rate|per|accuracy|percent|share|ratio|max|min|best)\b|%|\/s/;

const adds = (label: string): boolean => {
  const plain = words(label);
  return ADDS.test(plain) && !NEVER.test(label.toLowerCase()) && !NEVER.test(plain);
};

function checkTotalRow(judge: Judge, table: Table): void {
  const last = table.rows.at(-1);
  if (!last || table.rows.length < 3 || !last.fields.some((f) => TOTAL.test(f.text))) return;
  for (const [i, total] of last.fields.entries()) {
    const t = total.quantities[0];
    if (!t || !adds(total.label) || total.quantities.length !== 1) continue;
    const parts = table.rows.slice(0, -1).map((row) => row.fields[i]?.quantities[0]);
    if (parts.some((q) => q === undefined || q.unit?.dimension !== t.unit?.dimension)) continue;
    const sum = parts.reduce((s, q) => (q ? add(s, asCount(q)) : s), exactly(0));
    judge.rests(t, ...parts);
    judgeSum(judge, total, sum, `${parts.length} rows above`);
  }
}

function judgeSum(judge: Judge, total: Field, sum: Interval, of: string): void {
  const t = total.quantities[0];
  if (!t) return;
  if (meets(sum, asCount(t))) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'refuted',
    place: placeOf(total.place, t),
    written: `${total.label} ${t.text}`,
    arithmetic: `the ${of} add up to ${shown(middleOf(sum))}`,
    follows: 'the total is not the sum of its parts',
    replacement: shown(Number(middleOf(sum).toPrecision(12))),
  });
}

/** JSON objects whose members are objects: `by_task: {a: {total, correct}, b: {…}}`. */
function membersOf(document: AuditDocument): Map<DataRecord, DataRecord[]> {
  const below = new Map<DataRecord, DataRecord[]>();
  for (const record of document.records) {
    const holder = record.parent;
    if (record.kind !== 'object' || !holder) continue;
    // A map of records has no figures of its own; its owner has the totals.
    const owner = holder.fields.length === 0 ? holder.parent : null;
    if (!owner) continue;
    const known = below.get(owner);
    if (known) known.push(record);
    else below.set(owner, [record]);
  }
  return below;
}

const SAME: Readonly<Record<string, readonly string[]>> = {
  processed: ['processed', 'total', 'count', 'n'],
  total: ['total', 'processed', 'count', 'n'],
  'total execution time': ['total execution time', 'total time', 'execution time', 'time'],
  'total time': ['total time', 'time', 'duration'],
};

function checkChildren(judge: Judge, owner: DataRecord, below: readonly DataRecord[]): void {
  if (below.length < 2) return;
  for (const total of owner.fields) {
    const plain = words(total.label);
    if (total.quantities.length !== 1 || (!adds(plain) && !SAME[plain])) continue;
    const names = SAME[plain] ?? [plain];
    const name = names.find((n) => below.every((r) => r.fields.some((f) => words(f.label) === n)));
    if (!name) continue;
    const parts = below.map((r) => r.fields.find((f) => words(f.label) === name)?.quantities[0]);
    if (parts.some((q) => q === undefined)) continue;
    const sum = parts.reduce((s, q) => (q ? add(s, asCount(q)) : s), exactly(0));
    judge.rests(total.quantities[0], ...parts);
    judgeSum(judge, total, sum, `${below.length} values "${name}" below it`);
  }
}

const WHOLE = /^(?:total|processed|count|n|num samples|requests)$/;
const GOOD = /^(?:correct|passed|succeeded|successes|success|successful)$/;
const BAD = /^(?:incorrect|wrong|failed|failures|errors|failure)$/;

interface Outcome {
  readonly record: DataRecord;
  readonly whole: Field;
  readonly total: number;
  readonly parts: number;
  readonly fields: readonly Field[];
  readonly words: string;
}

/** total = good + bad, where bad is a number or an object of counts. */
function outcomeOf(document: AuditDocument, record: DataRecord): Outcome | null {
  const number = (pattern: RegExp): Field | undefined =>
    record.fields.find((f) => pattern.test(words(f.label)) && /^\d+$/.test(f.text));
  const whole = number(WHOLE);
  const good = number(GOOD);
  if (!whole || !good) return null;
  const bad = number(BAD);
  const split = childrenOf(document, record).find((r) =>
    BAD.test(words(r.title.split('.').at(-1) as string)),
  );
  const parts = bad ? [bad] : (split?.fields.filter((f) => /^\d+$/.test(f.text)) ?? []);
  if (parts.length === 0) return null;
  const values = [good, ...parts].map((f) => Number(f.text));
  return {
    record,
    whole,
    total: Number(whole.text),
    parts: values.reduce((a, b) => a + b, 0),
    fields: [whole, good, ...parts],
    words: values.join(' + '),
  };
}

function checkOutcomes(judge: Judge, document: AuditDocument): void {
  const outcomes = document.records.flatMap((record) => outcomeOf(document, record) ?? []);
  const wrong = outcomes.filter((o) => o.parts !== o.total);
  const right = outcomes.length - wrong.length;
  for (const { fields } of outcomes) judge.rests(...fields.flatMap((f) => f.quantities));
  judge.held(right);
  const [first] = wrong;
  if (!first) return;
  const missing = wrong.reduce((n, o) => n + o.total - o.parts, 0);
  const all = outcomes.reduce((n, o) => n + o.total, 0);
  const worst = wrong.toSorted((a, b) => b.total - b.parts - (a.total - a.parts));
  const example = worst[0] ?? first;
  const tooMany = wrong.some((o) => o.parts > o.total);
  judge.found({
    // Categories may be left out on purpose, unless other records show that none is.
    severity: tooMany || right > 0 ? 'refuted' : 'suspicious',
    place: example.whole.place,
    written: `${example.record.title}: ${example.whole.label} ${example.total}`,
    arithmetic:
      `${example.words} = ${example.parts}; over ${wrong.length} of ${outcomes.length} records ` +
      `${missing} of ${all} are in no category`,
    follows: 'the parts do not add up to the whole: some outcomes are unclassified, or miscounted',
  });
}
