/** What the logs say that the document does not: jobs left out, logs that are another job's. */
import type { LogFile } from '../../../logs/log-index.ts';
import { type LogEvidence, resolvePath } from '../../log-evidence.ts';
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { type Interval, middleOf, roundingInterval, scale } from '../interval.ts';
import { type AuditDocument, placeOf, type TextPlace } from '../record.ts';
import { fileReferences } from './file-references.ts';

/** A document that names several logs is an index of them. */
const INDEX = 3;

export const logCoverageCheck: Check = {
  name: 'log-coverage',
  says: 'an index of logs names every job, and the logs that it names are what it says',
  run(document, { logs }) {
    const judge = new Judge(this.name, document);
    if (!logs || document.kind !== 'markdown') return judge.verdicts;
    const named = namedLogs(document, logs);
    for (const { file, place } of named) tellPairing(judge, { file, place, logs });
    if (named.length >= INDEX) {
      tellLeftOut(judge, document, logs);
      tellUnproven(judge, document, named);
    }
    for (const claim of tokenClaims(document)) checkTokens(judge, claim, logs);
    return judge.verdicts;
  },
};

interface NamedLog {
  readonly file: LogFile;
  readonly place: TextPlace;
  /** The section that names it. */
  readonly title: string;
}

function namedLogs(document: AuditDocument, logs: LogEvidence): NamedLog[] {
  return fileReferences(document).flatMap(({ path, place, record }) => {
    const found = resolvePath(logs.index, path);
    return found ? [{ file: found.file, place, title: record?.title ?? '' }] : [];
  });
}

function tellPairing(
  judge: Judge,
  { file, place, logs }: { file: LogFile; place: TextPlace; logs: LogEvidence },
): void {
  const pair = logs.index.pairs.find((p) => p.stderr === file.path);
  if (!pair) return;
  if (pair.verdict !== 'refuted') {
    if (pair.verdict === 'belong-together') judge.held();
    return;
  }
  const reasons = pair.checks.filter((c) => !c.ok).map((c) => c.message);
  judge.found({
    severity: 'refuted',
    place,
    written: `${file.path} as the stderr of ${pair.stdout}`,
    arithmetic: reasons.join('; '),
    follows: `it is another job's${pair.fits ? `: it fits ${pair.fits}` : ''}`,
  });
}

/** Jobs of the logs whose id the document does not have, nor the name of their log. */
function tellLeftOut(judge: Judge, document: AuditDocument, logs: LogEvidence): void {
  const jobs = new Map<string, LogFile>();
  for (const file of logs.index.files) {
    if (file.jobId === null) continue;
    const known = jobs.get(file.jobId);
    if (!known || (known.durationS === null && file.durationS !== null)) {
      jobs.set(file.jobId, file);
    }
  }
  for (const [jobId, main] of jobs) {
    if (document.text.includes(jobId)) {
      judge.held();
      continue;
    }
    const name = main.path.split('/').at(-1) as string;
    const at = document.lines.findIndex((line) => line.includes(name));
    judge.found({
      severity: 'suspicious',
      place: {
        line: at < 0 ? 1 : at + 1,
        column: at < 0 ? 1 : (document.lines[at] as string).indexOf(name) + 1,
        width: at < 0 ? 1 : name.length,
      },
      written: `no word of job ${jobId}`,
      arithmetic:
        `${main.path}: job ${jobId}, ${main.outcome}` +
        `${main.durationS === null ? '' : `, ${Math.round(main.durationS)} s`}` +
        `${main.startedAt ? `, started ${main.startedAt}` : ''}`,
      follows: 'a reader of this index cannot find the job',
    });
  }
}

const SUCCESS = /\b(?:success(?:ful(?:ly)?)?|verification|verified|completion|completed|saved?)\b/i;

/** `Model save verification` under a table of logs, none of which shows a success. */
function tellUnproven(judge: Judge, document: AuditDocument, named: readonly NamedLog[]): void {
  for (const title of new Set(named.map((n) => n.title))) {
    const files = named.filter((n) => n.title === title).map((n) => n.file);
    const claim = document.passages.find(
      (p) =>
        p.record?.title === title &&
        p.place.cell === undefined &&
        SUCCESS.test(p.text) &&
        /^\s*[-*+]\s/.test(p.text),
    );
    const logs = files.filter((f) => !/\.(?:err|stderr)$/.test(f.path));
    const unproven = logs.filter((f) => f.outcome !== 'succeeded');
    if (!claim || logs.length === 0) continue;
    if (unproven.length === 0) {
      judge.held();
      continue;
    }
    const match = SUCCESS.exec(claim.text);
    judge.found({
      severity: 'not-evidenced',
      place: placeOf(claim.place, { at: match?.index ?? 0, text: match?.[0] ?? ' ' }),
      written: claim.text.trim(),
      arithmetic: unproven
        .map((f) => `${f.path}: ${f.outcome} (${f.outcomeReason})`)
        .slice(0, 5)
        .join('; '),
      follows: `${unproven.length} of ${logs.length} logs of this section do not show it`,
    });
  }
}

interface TokenClaim {
  readonly samples: number;
  readonly tokens: Interval;
  readonly text: string;
  readonly place: TextPlace;
}

const TOKENS = new RegExp(
  String.raw`(\d[\d,]*)\s*(?:instances|samples|examples|prompts)\D{1,20}?` +
    String.raw`(\d+(?:\.\d+)?)\s*([KMB])?\s*tokens`,
  'gi',
);
const TIMES: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, B: 1e9 };

/** `123 instances, 3.1M tokens`: what calibration is said to have used. */
function tokenClaims(document: AuditDocument): TokenClaim[] {
  return document.passages.flatMap(({ text, place }) =>
    [...text.matchAll(TOKENS)].map((m) => ({
      samples: Number((m[1] as string).replaceAll(',', '')),
      tokens: scale(roundingInterval(m[2] as string), TIMES[(m[3] ?? '').toUpperCase()] ?? 1),
      text: m[0],
      place: placeOf(place, { at: m.index, text: m[0] }),
    })),
  );
}

/** Samples × the length that a log says it cut them to. */
function checkTokens(judge: Judge, claim: TokenClaim, logs: LogEvidence): void {
  for (const { path, facts } of logs.index.files) {
    const [samples, length] = [facts['plain.count.samples'], facts['plain.truncatedTo']];
    if (samples?.value !== claim.samples || typeof length?.value !== 'number') continue;
    const most = claim.samples * length.value;
    if (claim.tokens.low <= most) {
      judge.held();
      return;
    }
    const printed = middleOf(claim.tokens);
    judge.found({
      severity: 'refuted',
      place: claim.place,
      written: claim.text,
      arithmetic:
        `${path} line ${length.evidence.line}: ${claim.samples} × ${length.value} = ${most} ` +
        `tokens at most, ${((most / printed) * 100).toFixed(1)} % of ${Math.round(printed)}`,
      follows: 'the rest was cut off before it was used',
    });
    return;
  }
}
