/** stdout and stderr by their names, and whether what is in them agrees. */
import type { LogFile, LogPair } from './log-index.ts';

/** Bars may start before the job's clock and end after it by this much. */
const SLACK_S = 60;
/** A bar's count that a log names too, if it is at least this large. */
const SMALLEST_COUNT = 10;

const STDERR = /(?:\.err|\.stderr|[_.-]stderr(?:\.\w+)?|\.e\d+)$/i;
const STDOUT = /(?:\.log|\.out|\.stdout|[_.-]stdout(?:\.\w+)?|\.o\d+)$/i;

export function findPairs(files: readonly LogFile[]): LogPair[] {
  const outputs = new Map<string, LogFile[]>();
  for (const file of files) {
    if (!STDOUT.test(file.path)) continue;
    const stem = stemOf(file.path, STDOUT);
    outputs.set(stem, [...(outputs.get(stem) ?? []), file]);
  }
  return files.flatMap((stderr) => {
    if (!STDERR.test(stderr.path)) return [];
    const stdout = outputs.get(stemOf(stderr.path, STDERR))?.[0];
    return stdout ? [pairOf({ stdout, stderr, files })] : [];
  });
}

function stemOf(path: string, ending: RegExp): string {
  return path.replace(ending, (found) => /\d+$/.exec(found)?.[0] ?? '');
}

type Check = LogPair['checks'][number];

function pairOf(of: { stdout: LogFile; stderr: LogFile; files: readonly LogFile[] }): LogPair {
  const { stdout, stderr, files } = of;
  const checks = checksOf(stdout, stderr);
  const isRefuted = checks.some((check) => !check.ok);
  const verdict = isRefuted ? 'refuted' : checks.length > 0 ? 'belong-together' : 'unchecked';
  const fits = isRefuted ? whoFits(stderr, stdout, files) : null;
  return { stdout: stdout.path, stderr: stderr.path, verdict, checks, fits };
}

function checksOf(stdout: LogFile, stderr: LogFile): Check[] {
  return [jobs, durations, periods, counts].flatMap((check) => check(stdout, stderr));
}

function jobs(stdout: LogFile, stderr: LogFile): Check[] {
  if (stdout.jobId === null || stderr.jobId === null) return [];
  // Two names that are alike hold the same number: that shows nothing.
  if (stdout.jobIdFrom !== 'content' && stderr.jobIdFrom !== 'content') return [];
  const ok = stdout.jobId === stderr.jobId;
  const message = ok
    ? `both are of job ${stdout.jobId}`
    : `job ${stdout.jobId} against job ${stderr.jobId}`;
  return [{ ok, message }];
}

/** Progress bars cannot take longer than the job that shows them. */
function durations(stdout: LogFile, stderr: LogFile): Check[] {
  const barsS = stderr.bars.reduce((sum, bar) => sum + bar.elapsedS, 0);
  const { durationS, durationFrom } = stdout;
  const isTimed =
    durationFrom === 'epilog' || durationFrom === 'accounting' || durationFrom === 'timestamps';
  if (barsS === 0 || durationS === null || !isTimed) return [];
  const ok = barsS <= durationS + SLACK_S;
  const words = ok ? 'fit into' : 'cannot fit into';
  return [
    { ok, message: `progress bars of ${barsS} s in total ${words} the job's ${durationS} s` },
  ];
}

/** Years that were guessed are not held against anybody. */
function periods(stdout: LogFile, stderr: LogFile): Check[] {
  const spans = [stdout, stderr].map(({ startedAt, endedAt, yearFrom }) =>
    startedAt === null || endedAt === null || yearFrom === 'modification time'
      ? null
      : [startedAt.slice(0, 19), endedAt.slice(0, 19)],
  );
  const [a, b] = spans;
  if (!a || !b) return [];
  const ok = (a[0] as string) <= (b[1] as string) && (b[0] as string) <= (a[1] as string);
  const message = `${a[0]} to ${a[1]} ${ok ? 'overlaps' : 'does not overlap'} ${b[0]} to ${b[1]}`;
  return [{ ok, message }];
}

/** Agreement supports, disagreement says nothing: a log need not count what a bar counts. */
function counts(stdout: LogFile, stderr: LogFile): Check[] {
  const counted = Object.entries(stdout.facts).filter(([name]) =>
    /^plain\.(?:count|Loaded)/.test(name),
  );
  for (const bar of stderr.bars) {
    if (bar.total === null) continue;
    const each = bar.total / bar.bars;
    const same = counted.find(([, fact]) => fact.value === each && each >= SMALLEST_COUNT);
    if (same) {
      const { value, unit } = same[1];
      const message = `the bar "${bar.name}" counts to ${each}, as the log's ${value} ${unit}`;
      return [{ ok: true, message }];
    }
  }
  return [];
}

/** The one other log nearby, without a stderr of its own that fits, that passes the checks. */
function whoFits(stderr: LogFile, not: LogFile, files: readonly LogFile[]): string | null {
  const barsS = stderr.bars.reduce((sum, bar) => sum + bar.elapsedS, 0);
  const directory = stderr.path.slice(0, stderr.path.lastIndexOf('/') + 1);
  const fitting = files.filter((file) => {
    const isNear = file.path.startsWith(directory) && STDOUT.test(file.path);
    if (!isNear || file === not || file.durationS === null) return false;
    const checks = checksOf(file, stderr);
    // Long enough, and not so long that the bars would be a small part of it.
    return barsS >= 0.5 * file.durationS && checks.length > 0 && checks.every(({ ok }) => ok);
  });
  return fitting.length === 1 ? (fitting[0]?.path ?? null) : null;
}
