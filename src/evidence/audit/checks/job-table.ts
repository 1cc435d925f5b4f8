/** Rows that say of a job how long it took, when it ran and how it ended, against its log. */
import type { LogFile } from '../../../logs/log-index.ts';
import type { LogEvidence } from '../../log-evidence.ts';
import type { Check } from '../check.ts';
import { durationIn } from '../duration.ts';
import { Judge, shown } from '../finding.ts';
import { exactly, hull, meets, middleOf } from '../interval.ts';
import {
  type AuditDocument,
  type DataRecord,
  type Field,
  field,
  type Passage,
  placeOf,
} from '../record.ts';
import { words } from '../role.ts';

export interface JobLog {
  readonly file: LogFile;
  /** How the row was matched to it. */
  readonly by: 'job id' | 'name';
}

const JOB_ID = /\b\d{5,10}(?:[._]\d+)?\b/;

/** The log of a row: by its job id, else the one log that its words name. */
export function jobLog(record: DataRecord, { index }: LogEvidence): JobLog | null {
  const id = JOB_ID.exec(record.fields.find((f) => f.role === 'jobId')?.text ?? '')?.[0];
  if (id !== undefined) {
    const ofJob = index.files.filter((f) => f.jobId === id);
    const best = ofJob.find((f) => f.durationS !== null && !f.path.endsWith('.err')) ?? ofJob[0];
    return best ? { file: best, by: 'job id' } : null;
  }
  const title = record.fields[0]?.text ?? '';
  const named = byName(index.files, title);
  return named ? { file: named, by: 'name' } : null;
}

/** `FP8 Quantization` names `quantize_FP8.log`: every word, as a stem, in the file's name. */
function byName(files: readonly LogFile[], title: string): LogFile | null {
  const stems = words(title)
    .split(/[^a-z0-9]+/)
    .filter((w) => w.length > 2)
    .map((w) => w.replace(/(?:isation|ization|izing|izer|ized|ize)$/, 'iz').slice(0, 8));
  if (stems.length < 2) return null;
  const fits = files.filter((f) => {
    const parts = nameParts(f.path);
    return stems.every((stem) => parts.some((part) => sameStem(part, stem)));
  });
  const logs = fits.filter((f) => !/\.(?:err|stderr)$/.test(f.path));
  return logs.length === 1 ? (logs[0] as LogFile) : null;
}

/** `dequant` abbreviates `dequantiz`, but `quantiz` is another word. */
function sameStem(part: string, stem: string): boolean {
  const p = part.replace(/(?:isation|ization|izing|izer|ized|ize)$/, 'iz').slice(0, 8);
  return (
    p === stem || (p.length >= 5 && stem.startsWith(p)) || (stem.length >= 5 && p.startsWith(stem))
  );
}

function nameParts(path: string): string[] {
  const name = (path.split('/').at(-1) as string).replace(/\.\w+$/, '').toLowerCase();
  return name.split(/[^a-z0-9]+/).filter(Boolean);
}

/** Records that claim something of a job: they have a duration or a job id. */
function jobRecords(document: AuditDocument): DataRecord[] {
  const records = document.records.filter(
    (r) =>
      r.fields.some((f) => f.role === 'jobId') ||
      (r.kind === 'row' && r.fields.some((f) => f.role === 'duration')),
  );
  return [...records, ...document.passages.flatMap((p) => mention(p) ?? [])];
}

const MENTION = /\bjob\s+(?:id\s*:?\s*)?#?(\d{5,10})\b/i;
const TOOK = /\b(?:took|ran (?:for)?|in|after|lasted|duration of)\s+(~?\s*\d[^,;.()]{0,30})/i;

/** `Job 12001782 took ~6 hours.` in prose, as a record. */
function mention({ text, place, record }: Passage): DataRecord | null {
  const id = MENTION.exec(text);
  const took = TOOK.exec(text);
  if (!id || !took || place.cell !== undefined || durationIn(took[1] as string) === null)
    return null;
  const at = took.index + took[0].length - (took[1] as string).length;
  const value = (took[1] as string).trimEnd();
  const fields = [
    field('Job ID', id[1] as string, placeOf(place, { at: id.index, text: id[0] })),
    field('Duration', value, placeOf(place, { at, text: value })),
  ];
  const { line } = place;
  return { kind: 'sentence', title: text.trim(), group: 'jobs', line, parent: record, fields };
}

export const jobTableCheck: Check = {
  name: 'job-record',
  says: 'durations, dates and outcomes that a row gives for a job are those of its log',
  run(document, { logs }) {
    const judge = new Judge(this.name, document);
    if (!logs || document.kind === 'json') return judge.verdicts;
    for (const record of jobRecords(document)) {
      const found = jobLog(record, logs);
      const duration = record.fields.find(
        (f) => f.role === 'duration' && durationIn(f.text) !== null,
      );
      if (!found) {
        tellUnmatched(judge, record, duration);
        continue;
      }
      if (duration) checkDuration(judge, duration, found);
      checkDate(judge, record, found);
      checkOutcome(judge, record, found);
    }
    return judge.verdicts;
  },
};

function tellUnmatched(judge: Judge, record: DataRecord, duration: Field | undefined): void {
  const id = record.fields.find((f) => f.role === 'jobId' && JOB_ID.test(f.text));
  const field = id ?? duration;
  if (!field) return;
  judge.found({
    severity: 'not-evidenced',
    place: field.place,
    written: `${record.fields[0]?.text ?? record.title}: ${field.text}`,
    arithmetic: id ? `no log is of job ${field.text}` : 'no job id, and no single log has its name',
    follows: 'nothing that was given decides it',
  });
}

function checkDuration(judge: Judge, field: Field, { file, by }: JobLog): void {
  const claimed = durationIn(field.text);
  if (!claimed) return;
  const place = field.place;
  const written = `${field.label} ${field.text}`;
  if (file.durationS === null) {
    const arithmetic = `${file.path} has no time in it`;
    judge.found({
      severity: 'not-evidenced',
      place,
      written,
      arithmetic,
      follows: 'the log does not say how long it took',
    });
    return;
  }
  // Bars, stamps and schedulers disagree by start-up and tear-down: up to a minute is no lie.
  judge.rests(...field.quantities);
  const measured = hull(exactly(file.durationS - 1), exactly(file.durationS + 60));
  if (meets(claimed, measured)) {
    judge.held();
    return;
  }
  const evidence = file.durationEvidence.map((e) => `line ${e.line}`).join(' and ');
  const times = middleOf(claimed) / Math.max(1, file.durationS);
  judge.found({
    severity: 'refuted',
    place,
    written,
    arithmetic:
      `${file.path} (${by}) took ${shown(file.durationS)} s by its ${file.durationFrom}` +
      `${evidence ? ` (${evidence})` : ''}; ` +
      `what is written is ${shown(Number(times.toPrecision(3)))} times that`,
    follows: 'the log shows another duration',
    replacement: `${shown(file.durationS)} s`,
  });
}

function checkDate(judge: Judge, record: DataRecord, { file, by }: JobLog): void {
  const field = record.fields.find((f) => f.role === 'date');
  const day = /\d{4}-\d\d-\d\d/.exec(field?.text ?? '');
  if (!field || !day || !file.startedAt) return;
  const days = [file.startedAt, file.endedAt ?? file.startedAt].map((d) => d.slice(0, 10));
  if (days.includes(day[0])) {
    judge.held();
    return;
  }
  judge.found({
    severity: file.yearFrom === null ? 'refuted' : 'suspicious',
    place: placeOf(field.place, { at: day.index, text: day[0] }),
    written: `${field.label} ${day[0]}`,
    arithmetic: `${file.path} (${by}) ran from ${file.startedAt} to ${file.endedAt ?? '?'}`,
    follows: 'the log is of another day',
    replacement: days[0] as string,
  });
}

const FAILED = new Set(['failed', 'cancelled', 'timed-out', 'out-of-memory']);

function checkOutcome(judge: Judge, record: DataRecord, { file, by }: JobLog): void {
  const status = record.fields.find((f) => f.role === 'status');
  const id = record.fields.find((f) => f.role === 'jobId');
  const claimsSuccess = status ? /success|complete|done|✅|ok\b/i.test(status.text) : true;
  if (!FAILED.has(file.outcome)) {
    if (status && claimsSuccess && file.outcome === 'succeeded') judge.held();
    return;
  }
  if (!claimsSuccess) {
    judge.held();
    return;
  }
  const at = status ?? id ?? record.fields[0];
  if (!at) return;
  const line = file.outcomeEvidence;
  judge.found({
    severity: status ? 'refuted' : 'suspicious',
    place: at.place,
    written: `${record.fields[0]?.text ?? ''} ${at.text}`.trim(),
    arithmetic:
      `${file.path} (${by}) ${file.outcome}` +
      `${line ? `: ${line.path} line ${line.line}: ${line.text.slice(0, 100)}` : ''}`,
    follows: 'the job that is cited did not do what it is cited for',
  });
}
