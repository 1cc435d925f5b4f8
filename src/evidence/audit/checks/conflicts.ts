/** The same thing told twice: another value, an error, another model, or a copy. */
import { isBaseline } from '../baseline.ts';
import type { Check, CheckContext } from '../check.ts';
import { Judge } from '../finding.ts';
import { meets } from '../interval.ts';
import { inBase } from '../quantity.ts';
import {
  type AuditDocument,
  type DataRecord,
  figure,
  modelName,
  placeOf,
  precisionOf,
} from '../record.ts';

const DAY = /\d{4}-\d\d-\d\d/;
const CLOCK = /\b\d\d:\d\d:\d\d\b/;

/** Day and time of day, from one field or from two. */
function timeOf(record: DataRecord): { day: string | null; clock: string | null } {
  let day: string | null = null;
  let clock: string | null = null;
  for (let at: DataRecord | null = record; at && !(day && clock); at = at.parent) {
    for (const { label, text } of at.fields) {
      if (!/date|time|created/i.test(label)) continue;
      day ??= DAY.exec(text)?.[0] ?? null;
      clock ??= CLOCK.exec(text.replace('T', ' '))?.[0] ?? null;
    }
  }
  return { day, clock };
}

/** `second`: model, precision and time agree: one run. `day`: all but the time of day. */
function sameRun(a: DataRecord, b: DataRecord): 'second' | 'day' | null {
  if (modelName(a) === null || modelName(a) !== modelName(b)) return null;
  if (precisionOf(a) !== precisionOf(b)) return null;
  const [x, y] = [timeOf(a), timeOf(b)];
  if (x.day === null || x.day !== y.day) return null;
  return x.clock !== null && x.clock === y.clock ? 'second' : 'day';
}

const errorOf = (record: DataRecord): string | null =>
  record.fields.find((f) => f.label === 'error' && f.text !== '')?.text ?? null;

const MEASURED = ['perplexity', 'loss', 'accuracy', 'tokenAccuracy'] as const;

type Elsewhere = readonly [AuditDocument, DataRecord];

/** More are raw data, not statements. */
const MAX_RECORDS = 5000;

/** Records of the other documents by their model. */
function others(document: AuditDocument, { documents }: CheckContext): Map<string, Elsewhere[]> {
  const found = new Map<string, Elsewhere[]>();
  for (const other of documents) {
    if (other === document || other.records.length > MAX_RECORDS) continue;
    for (const record of other.records) {
      const model = modelName(record);
      if (model === null) continue;
      const known = found.get(model);
      if (known) known.push([other, record]);
      else found.set(model, [[other, record]]);
    }
  }
  return found;
}

export const conflictCheck: Check = {
  name: 'conflicting-sources',
  says: 'files audited together give one run one value, and no result to a run that failed',
  run(document, context) {
    const judge = new Judge(this.name, document);
    const rest = others(document, context);
    const isRaw = document.records.length > MAX_RECORDS;
    if (rest.size === 0 || isRaw || document.kind === 'json') return judge.verdicts;
    for (const record of document.records) {
      const own = MEASURED.flatMap((role) => figure(record, role) ?? []);
      if (own.length === 0) continue;
      const same = rest.get(modelName(record) ?? '') ?? [];
      const twins = same.flatMap(([other, r]) => {
        const how = sameRun(record, r);
        return how ? [{ other, r, same: how }] : [];
      });
      const exact = twins.filter((twin) => twin.same === 'second');
      const failed = twins.filter((twin) => errorOf(twin.r) !== null);
      if (exact.length > 0) compare(judge, record, exact);
      else if (failed.length > 0 && twins.every((t) => errorOf(t.r) !== null)) {
        tellError(judge, record, failed[0] as Twin);
      }
    }
    return judge.verdicts;
  },
};

interface Twin {
  readonly other: AuditDocument;
  readonly r: DataRecord;
  readonly same: 'second' | 'day';
}

const nameOf = (record: DataRecord): string =>
  `${modelName(record)} ${precisionOf(record) ?? ''}, ${timeOf(record).day}`;

function tellError(judge: Judge, record: DataRecord, { other, r, same }: Twin): void {
  const own = MEASURED.flatMap((role) => figure(record, role) ?? [])[0];
  if (!own) return;
  judge.found({
    severity: same === 'second' ? 'refuted' : 'suspicious',
    place: placeOf(own.field.place, own.quantity),
    written: `${own.field.label} ${own.quantity.text} of ${nameOf(record)}`,
    arithmetic: `${other.path}:${r.line} says: ${errorOf(r)?.slice(0, 80)}`,
    follows:
      same === 'second'
        ? 'the run ended in an error: it has no result'
        : 'the only record of such a run on that day is an error: where is the result from?',
  });
}

function compare(judge: Judge, record: DataRecord, twins: readonly Twin[]): void {
  for (const twin of twins) {
    if (errorOf(twin.r) !== null) {
      tellError(judge, record, twin);
      continue;
    }
    for (const role of MEASURED) {
      const own = figure(record, role);
      const theirs = figure(twin.r, role);
      if (!own || !theirs) continue;
      judge.rests(own.quantity, theirs.quantity);
      if (meets(inBase(theirs.quantity), inBase(own.quantity))) {
        judge.held();
        continue;
      }
      judge.found({
        severity: 'refuted',
        place: placeOf(own.field.place, own.quantity),
        written: `${own.field.label} ${own.quantity.text} of ${nameOf(record)}`,
        arithmetic: `${twin.other.path}:${theirs.field.place.line} has ${theirs.quantity.text}`,
        follows: 'two files give one run two values',
      });
    }
  }
}

/** Four digits that two files give to different models: one of them copied the other's baseline. */
export const borrowedBaselineCheck: Check = {
  name: 'borrowed-baseline',
  says: "a baseline is not another model's value in a file that is audited with it",
  run(document, context) {
    const judge = new Judge(this.name, document);
    const rest = [...others(document, context)].flatMap(([, found]) => found);
    for (const record of document.records) {
      const own = figure(record, 'throughput');
      const model = modelName(record);
      if (!own || model === null || !isBaseline(record)) continue;
      if (own.quantity.text.replace(/\D/g, '').length < 4) continue;
      const same = rest.flatMap(([other, r]) => {
        const theirs = figure(r, 'throughput');
        const name = modelName(r);
        return theirs && name !== null && theirs.quantity.text === own.quantity.text
          ? [{ other, line: r.line, name }]
          : [];
      });
      const [foreign] = same.filter(({ name }) => name !== model);
      if (!foreign || same.some(({ name }) => name === model)) continue;
      judge.found({
        severity: 'suspicious',
        place: placeOf(own.field.place, own.quantity),
        written: `${own.quantity.text} as the baseline of ${model}`,
        arithmetic:
          `${foreign.other.path}:${foreign.line} has ` + `${own.quantity.text} for ${foreign.name}`,
        follows: 'what is relative to it compares two models, not two precisions of one',
      });
    }
    return judge.verdicts;
  },
};

export const duplicateCheck: Check = {
  name: 'duplicate',
  says: 'no two files that are audited together are the same',
  run(document, { documents }) {
    const judge = new Judge(this.name, document);
    const first = documents.find((other) => other.text === document.text);
    if (!first || first === document || document.text.trim() === '') return judge.verdicts;
    judge.found({
      severity: 'suspicious',
      place: { line: 1, column: 1, width: 1 },
      written: document.path,
      arithmetic: `byte for byte ${first.path}`,
      follows: 'a copy is not a second measurement: counted once, or averages lean towards it',
    });
    return judge.verdicts;
  },
};
