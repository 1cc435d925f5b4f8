/** A scan becomes what the index says of a file, before files are held against each other. */
import type { Finding } from '../record/schema.ts';
import { datedTimes } from './file-clock.ts';
import { jobOf } from './job-id.ts';
import type { DurationSource, Evidence, LogFile } from './log-index.ts';
import { decideOutcome } from './outcome.ts';
import type { OwnRun } from './own-run.ts';
import type { FileScan } from './scan-file.ts';
import { crossesClockChange, elapsedMs, findStamp, isoText, wallMs } from './stamps.ts';

export interface ScannedFile {
  readonly path: string;
  readonly modifiedMs: number;
  readonly scan: FileScan;
  readonly findings: readonly Finding[];
  /** Of output that we recorded ourselves. */
  readonly run?: OwnRun | null;
}

export type VoidText = (text: string, path: string) => string | null;

interface Timing {
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly durationS: number | null;
  readonly durationFrom: DurationSource | null;
  readonly durationEvidence: readonly Evidence[];
  readonly yearFrom: string | null;
  readonly findings: readonly Finding[];
}

/** `isVoid`: which other, failed log prints this completion line too. */
export function logFile(file: ScannedFile, isVoid: VoidText): LogFile {
  const said = saidBy(file, isVoid);
  return file.run ? recorded(said, file.run) : said;
}

/** Whoever recorded the command knows better than its output how it ended. */
function recorded(said: LogFile, run: OwnRun): LogFile {
  const command = run.command === null ? [] : [{ text: run.command, evidence: run.evidence }];
  return {
    ...said,
    dialects: [...new Set(['assay', ...said.dialects])].sort(),
    jobId: run.jobId ?? said.jobId,
    host: run.host,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    durationS: run.durationS,
    durationFrom: run.durationS === null ? null : 'manifest',
    durationEvidence: [run.evidence],
    outcome: run.outcome,
    outcomeEvidence: run.evidence,
    outcomeReason: run.reason,
    signs: [...said.signs, { kind: 'state', outcome: run.outcome, evidence: run.evidence }],
    commands: [...command, ...said.commands],
  };
}

function saidBy(file: ScannedFile, isVoid: VoidText): LogFile {
  const { path, scan } = file;
  const { collected } = scan;
  const job = jobOf(path, collected.jobIds);
  const timing = timingOf(file);
  const { started, ended } = collected.epilog;
  const outcome = decideOutcome({
    signs: collected.signs,
    lines: scan.lines,
    epilogLine: ended?.evidence.line ?? started?.evidence.line ?? null,
    hasOpenBar: collected.bars.some((bar) => !bar.complete),
    isVoid: (text) => isVoid(text, path),
  });
  return {
    path,
    bytes: scan.bytes,
    lines: scan.lines,
    segments: scan.segments,
    sha256: scan.sha256,
    encoding: scan.encoding,
    dialects: collected.dialects.length > 0 ? collected.dialects : ['plain'],
    jobId: job.jobId,
    jobIdFrom: job.from,
    host: collected.host,
    ...withoutFindings(timing),
    outcome: outcome.outcome,
    outcomeEvidence: outcome.evidence,
    outcomeReason: outcome.reason,
    signs: collected.signs,
    commands: collected.commands,
    bars: collected.bars,
    facts: collected.facts,
    series: collected.series,
    findings: [
      ...file.findings,
      ...scan.findings,
      ...job.findings,
      ...timing.findings,
      ...collected.findings,
    ],
  };
}

function withoutFindings({ findings: _, ...rest }: Timing): Omit<Timing, 'findings'> {
  return rest;
}

/** The epilog's word first, then accounting, then stamps, then the progress bars. */
function timingOf({ scan, modifiedMs }: ScannedFile): Timing {
  const { epilog, bars } = scan.collected;
  const [started, ended] = [epilog.started, epilog.ended];
  const [from, to] = [dated(started?.iso), dated(ended?.iso)];
  if (started && ended && from && to) {
    const source = started.evidence.text.includes('|') ? 'accounting' : 'epilog';
    return timed(source, { from, to, yearFrom: null }, [started.evidence, ended.evidence]);
  }
  const times = datedTimes(scan.clock, modifiedMs);
  const [first, last] = [scan.clock.first, scan.clock.last];
  if (times && first && last && first.evidence.start !== last.evidence.start) {
    const span = { from: times.first, to: times.last, yearFrom: times.yearFrom };
    return timed('timestamps', span, [first.evidence, last.evidence]);
  }
  const elapsedS = bars.reduce((sum, bar) => sum + bar.elapsedS, 0);
  const startedAt = from ? isoText(from) : times ? isoText(times.first) : null;
  const endedAt = to ? isoText(to) : null;
  const yearFrom = times?.yearFrom ?? null;
  const nothing = { startedAt, endedAt, yearFrom, findings: [] };
  if (elapsedS === 0) {
    return { ...nothing, durationS: null, durationFrom: null, durationEvidence: [] };
  }
  const durationEvidence = bars.filter((bar) => bar.elapsedS > 0).map((bar) => bar.last);
  return { ...nothing, durationS: elapsedS, durationFrom: 'progress', durationEvidence };
}

type Moment = NonNullable<ReturnType<typeof dated>>;

function dated(iso: string | undefined) {
  const stamp = iso === undefined ? null : findStamp(iso);
  return stamp?.year == null ? null : { stamp, year: stamp.year };
}

function timed(
  durationFrom: DurationSource,
  span: { from: Moment; to: Moment; yearFrom: string | null },
  durationEvidence: readonly Evidence[],
): Timing {
  const { from, to, yearFrom } = span;
  const ms = elapsedMs(from, to);
  const findings: Finding[] = [];
  if (yearFrom !== null) {
    const message = `its stamps have no year: ${from.year} is taken from its ${yearFrom}`;
    findings.push({ code: 'year-inferred', severity: 'info', message });
  }
  if (ms < 0) {
    const message = `its last stamp is ${-ms / 1000} s before its first: a clock was set back`;
    findings.push({ code: 'time-runs-backwards', severity: 'warning', message });
  }
  const zoned = from.stamp.offsetMin !== null && to.stamp.offsetMin !== null;
  if (!zoned && crossesClockChange(wallMs(from.stamp, from.year), wallMs(to.stamp, to.year))) {
    const message =
      'its stamps have no zone and clocks may have changed meanwhile (summer time): ' +
      'the duration may be wrong by 3600 s';
    findings.push({ code: 'clock-change', severity: 'warning', message });
  }
  return {
    startedAt: isoText(from),
    endedAt: isoText(to),
    durationS: ms < 0 ? null : ms / 1000,
    durationFrom: ms < 0 ? null : durationFrom,
    durationEvidence,
    yearFrom,
    findings,
  };
}
