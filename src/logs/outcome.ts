/**
 * How a program ended, and the line that decides it. Success needs a completed state, exit status
 * 0, or the program's own final line. A traceback or a failed state beats any line that says
 * "complete". Otherwise it is not known.
 */
import type { Evidence, Outcome, Sign } from './log-index.ts';

export interface DecidedOutcome {
  readonly outcome: Outcome;
  readonly evidence: Evidence | null;
  readonly reason: string;
}

export interface OutcomeInput {
  readonly signs: readonly Sign[];
  /** Lines of the file: a final line stands near its end. */
  readonly lines: number;
  /** Where an epilog begins, which a job's script prints after its program; null without one. */
  readonly epilogLine: number | null;
  readonly hasOpenBar: boolean;
  /** Texts of completion lines that a failed log prints too: they say nothing. */
  readonly isVoid: (text: string) => string | null;
}

/** A completion line further from the end was that of a part. */
const FINAL_LINES = 30;

const RANK: readonly Outcome[] = [
  'out-of-memory',
  'timed-out',
  'failed',
  'cancelled',
  'unfinished',
];

export function decideOutcome(input: OutcomeInput): DecidedOutcome {
  const { signs, isVoid } = input;
  const states = signs.filter((sign) => sign.kind === 'state');
  const bad = worst(
    states.filter((sign) => sign.outcome !== 'succeeded' && sign.outcome !== 'unfinished'),
  );
  if (bad) return decided(bad, `the state of the job or the exit status: ${bad.outcome}`);
  const errors = signs.filter((sign) => sign.kind === 'error' && !isSurvived(sign, signs));
  const error = worst(errors);
  if (error) {
    const overruled = states.length > 0 ? '; a state that says otherwise is its script’s' : '';
    return decided(error, `it ended in an error, which beats any completion line${overruled}`);
  }
  const good = states.findLast((sign) => sign.outcome === 'succeeded');
  if (good) return decided(good, 'a completed state or exit status 0');
  const final = signs.findLast(
    (sign) =>
      sign.kind === 'final' && isNearEnd(sign, input) && isVoid(sign.evidence.text) === null,
  );
  if (final) return decided(final, 'the final line of the program itself');
  return undecided(input);
}

function undecided({ signs, isVoid, hasOpenBar, epilogLine }: OutcomeInput): DecidedOutcome {
  const claims = signs.filter((sign) => sign.kind === 'final' || sign.kind === 'banner');
  const voided = claims.findLast((sign) => isVoid(sign.evidence.text) !== null);
  const running = signs.find((sign) => sign.kind === 'running');
  const isOpen = epilogLine === null && (hasOpenBar || running !== undefined);
  if (voided) {
    const other = isVoid(voided.evidence.text);
    return {
      outcome: 'unknown',
      evidence: voided.evidence,
      reason: `line ${voided.evidence.line} is void: ${other} failed and prints it too`,
    };
  }
  if (isOpen && claims.length === 0) {
    const reason = hasOpenBar ? 'a progress bar stops before its end' : 'it begins and never ends';
    return { outcome: 'unfinished', evidence: running?.evidence ?? null, reason };
  }
  const banner = claims.findLast((sign) => sign.kind === 'banner');
  if (banner) {
    const { line } = banner.evidence;
    const reason = `only a banner says so, line ${line}: scripts print it regardless`;
    return { outcome: 'unknown', evidence: banner.evidence, reason };
  }
  return { outcome: 'unknown', evidence: null, reason: 'no line decides it' };
}

function decided({ outcome, evidence }: Sign, reason: string): DecidedOutcome {
  return { outcome, evidence, reason };
}

function worst(signs: readonly Sign[]): Sign | undefined {
  for (const outcome of RANK) {
    const found = signs.findLast((sign) => sign.outcome === outcome);
    if (found) return found;
  }
  return undefined;
}

/** A server that logs a traceback of one request and later shuts down in order has survived it. */
function isSurvived(error: Sign, signs: readonly Sign[]): boolean {
  return signs.some(
    (sign) =>
      sign.kind === 'final' &&
      sign.evidence.line > error.evidence.line &&
      /Shutting down FastAPI|Application shutdown complete|Finished server process/.test(
        sign.evidence.text,
      ),
  );
}

function isNearEnd({ evidence }: Sign, { lines, epilogLine }: OutcomeInput): boolean {
  const end = epilogLine !== null && epilogLine > evidence.line ? epilogLine : lines;
  return end - evidence.line <= FINAL_LINES;
}
