/** Decides claims. A file that is gone or a pattern that cannot be had is told, never thrown. */
import type { LogFile } from '../../logs/log-index.ts';
import { AssayError, Cancelled } from '../../record/errors.ts';
import { exactly, hull, meets } from '../audit/interval.ts';
import { inBase, quantitiesIn } from '../audit/quantity.ts';
import { compilePattern } from '../line-search.ts';
import { type Matches, matchesIn } from '../log-evidence.ts';
import { compared, evaluate } from './formula.ts';
import {
  type ClaimContext,
  filesOf,
  numberOf,
  printedNumber,
  type SubjectNumber,
} from './numbers.ts';
import type { Claim, LocatedClaim, Subject } from './spec.ts';
import { isVacuous } from './vacuous.ts';
import { type Decided, notApplicable, notEvidenced, proven, refuted } from './verdict.ts';

export interface CheckedClaim extends Decided {
  readonly claim: string;
  /** Of the claims file. */
  readonly line: number;
}

/** Throws Cancelled. */
export async function checkClaims(
  claims: readonly LocatedClaim[],
  context: ClaimContext,
): Promise<CheckedClaim[]> {
  const checked: CheckedClaim[] = [];
  for (const { claim, line } of claims) {
    checked.push({ claim: claim.claim, line, ...(await decide(claim, context)) });
  }
  return checked;
}

async function decide(claim: Claim, context: ClaimContext): Promise<Decided> {
  try {
    const outside = claim.when === undefined ? null : await applicability(claim, context);
    return outside ?? (await predicate(claim, context));
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    if (error instanceof AssayError) return notEvidenced(error.message);
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    return notEvidenced(`a log cannot be read: ${(error as Error).message}`);
  }
}

async function predicate(claim: Claim, context: ClaimContext): Promise<Decided> {
  if (claim.formula !== undefined) return decideFormula(claim, claim.formula, context);
  const subject = claim.subject as Subject;
  if (claim.matches !== undefined || claim.absent !== undefined || claim.count !== undefined) {
    return decidePattern(claim, subject, context);
  }
  if (claim.outcome !== undefined) return decideOutcome(claim.outcome, subject, context);
  if (claim.duration !== undefined) return decideDuration(claim.duration, subject, context);
  if (claim.equals !== undefined) return decideEqual(subject, claim.equals, context);
  return decideNumber(claim, subject, context);
}

interface Search extends Matches {
  readonly files: readonly LogFile[];
}

async function search(claim: Claim, source: string, context: ClaimContext): Promise<Search> {
  const pattern = compilePattern(source, { ignoreCase: claim.ignoreCase });
  const files = filesOf(claim.subject as Subject, context);
  const results: Matches[] = [];
  for (const file of files) {
    const { signal } = context;
    results.push(await matchesIn(context.logs, file.path, { pattern, signal }));
  }
  return {
    files,
    count: results.reduce((n, r) => n + r.count, 0),
    lines: results.reduce((n, r) => n + r.lines, 0),
    first: results.flatMap((r) => r.first).slice(0, 5),
    groups: results.find((r) => r.groups)?.groups ?? null,
  };
}

async function applicability(claim: Claim, context: ClaimContext): Promise<Decided | null> {
  const found = await search(claim, claim.when as string, context);
  if (found.count > 0) return null;
  return notApplicable(`${JSON.stringify(claim.when)} matches none of ${found.lines} lines`);
}

const subjectText = (subject: Subject): string =>
  subject.file ?? (subject.job === undefined ? 'the logs' : `job ${subject.job}`);

async function decidePattern(
  claim: Claim,
  subject: Subject,
  context: ClaimContext,
): Promise<Decided> {
  const source = claim.matches ?? claim.absent ?? claim.count?.pattern ?? '';
  const found = await search(claim, source, context);
  if (found.files.length === 0) return notEvidenced(`there is no ${subjectText(subject)}`);
  const names = found.files
    .map((f) => f.path)
    .slice(0, 3)
    .join(', ');
  const says = `${found.count} of ${found.lines} lines of ${names} match ${JSON.stringify(source)}`;
  if (found.count === 0 && (await isVacuous(source, found.files, context))) {
    // That a pattern is not there proves nothing where it never could be.
    const reason = `${says}; no log here ever has such a line: the pattern is vacuous`;
    return { ...notEvidenced(reason), vacuous: true };
  }
  if (claim.absent !== undefined) {
    return found.count === 0 ? proven(says) : refuted(says, found.first);
  }
  if (claim.matches !== undefined) {
    // That a log does not show it does not show that it was not so; `count` says what must be.
    return found.count > 0 ? proven(says, found.first) : notEvidenced(says);
  }
  const { is, atLeast, atMost } = claim.count ?? {};
  const wrong =
    (is !== undefined && found.count !== is) ||
    (atLeast !== undefined && found.count < atLeast) ||
    (atMost !== undefined && found.count > atMost) ||
    (is === undefined && atLeast === undefined && atMost === undefined && found.count === 0);
  const wanted = [
    is === undefined ? '' : `${is} claimed`,
    atLeast === undefined ? '' : `at least ${atLeast} claimed`,
    atMost === undefined ? '' : `at most ${atMost} claimed`,
  ].filter(Boolean);
  const reason = [says, ...wanted].join('; ');
  return wrong ? refuted(reason, found.first) : proven(reason, found.first);
}

function decideOutcome(wanted: string, subject: Subject, context: ClaimContext): Decided {
  const files = filesOf(subject, context);
  const [file] = files;
  if (!file) return notEvidenced(`there is no ${subjectText(subject)}`);
  const main = files.find((f) => f.outcome !== 'unknown') ?? file;
  const evidence = main.outcomeEvidence ? [main.outcomeEvidence] : [];
  const reason = `${main.path}: ${main.outcome} (${main.outcomeReason})`;
  if (main.outcome === wanted) return proven(reason, evidence);
  return main.outcome === 'unknown' ? notEvidenced(reason, evidence) : refuted(reason, evidence);
}

async function decideDuration(
  wanted: number | string,
  subject: Subject,
  context: ClaimContext,
): Promise<Decided> {
  const measured = await numberOf(subject, context);
  if (typeof measured === 'string') return notEvidenced(measured);
  const [quantity] = quantitiesIn(String(wanted));
  if (!quantity) return notEvidenced(`${wanted} is no duration`);
  const claimed = inBase(quantity);
  // Start-up and tear-down belong to a job and not to its bars: up to a minute is no lie.
  const { low, high } = measured.value;
  const fits = meets(claimed, hull(exactly(low - 1), exactly(high + 60)));
  const reason = `${measured.text}; ${wanted}${typeof wanted === 'number' ? ' s' : ''} claimed`;
  return fits ? proven(reason, measured.evidence) : refuted(reason, measured.evidence);
}

async function decideNumber(
  claim: Claim,
  subject: Subject,
  context: ClaimContext,
): Promise<Decided> {
  const number = await numberOf(subject, context);
  if (typeof number === 'string') return notEvidenced(number);
  if (claim.range !== undefined) {
    const [low, high] = claim.range;
    const reason = `${number.text}; ${low} to ${high} claimed`;
    const fits = meets(number.value, { low, high });
    return fits ? proven(reason, number.evidence) : refuted(reason, number.evidence);
  }
  const wanted = printedNumber(String(claim.value)) as SubjectNumber;
  const reason = `${number.text}; ${claim.value} claimed`;
  const fits = meets(number.value, wanted.value);
  return fits ? proven(reason, number.evidence) : refuted(reason, number.evidence);
}

async function decideEqual(
  subject: Subject,
  other: Subject,
  context: ClaimContext,
): Promise<Decided> {
  const a = await numberOf(subject, context);
  const b = await numberOf(other, context);
  if (typeof a === 'string') return notEvidenced(a);
  if (typeof b === 'string') return notEvidenced(b);
  const evidence = [...a.evidence, ...b.evidence];
  const reason = `${a.text}; ${b.text}`;
  return meets(a.value, b.value) ? proven(reason, evidence) : refuted(reason, evidence);
}

async function decideFormula(
  claim: Claim,
  formula: string,
  context: ClaimContext,
): Promise<Decided> {
  const read: { name: string; number: SubjectNumber | string }[] = [];
  for (const [name, subject] of Object.entries(claim.numbers ?? {})) {
    read.push({ name, number: await numberOf(subject, context) });
  }
  const missing = read.find(({ number }) => typeof number === 'string');
  if (missing) return notEvidenced(`${missing.name}: ${missing.number as string}`);
  const known = read as { name: string; number: SubjectNumber }[];
  const names = new Map(known.map(({ name, number }) => [name, number.value]));
  const evaluated = evaluate(formula, names);
  const evidence = known.flatMap(({ number }) => number.evidence);
  const told = known.map(({ name, number }) => `${name} = ${number.text}`).join('; ');
  const side = ({ low, high }: { low: number; high: number }): string =>
    low === high
      ? String(Number(low.toPrecision(6)))
      : `${low.toPrecision(5)} to ${high.toPrecision(5)}`;
  const { left, right, comparison } = evaluated;
  const reason = `${side(left)} ${comparison} ${side(right)}; ${told}`;
  const holds = compared(evaluated);
  if (holds === null) return notEvidenced(`within rounding it is open: ${reason}`, evidence);
  return holds ? proven(reason, evidence) : refuted(reason, evidence);
}
