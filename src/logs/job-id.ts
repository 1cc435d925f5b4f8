/** Which job a log is of: by its name and by what it says, which may disagree. */
import type { Finding } from '../record/schema.ts';
import type { Collected } from './dialect-log.ts';
import type { Evidence } from './log-index.ts';

export interface FileJob {
  readonly jobId: string | null;
  readonly from: 'content' | 'name' | null;
  readonly evidence: Evidence | null;
  readonly findings: readonly Finding[];
}

/** `slurm-12041842.out`, `train_12041842_3.err`, `x-12041842.log`; dates are no job ids. */
export function jobIdOfName(path: string): string | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  for (const [, digits] of name.matchAll(
    /(?:^|[^0-9A-Za-z])j?o?b?[-_]?(\d{5,10})(?=[^0-9A-Za-z]|$)/g,
  )) {
    if (digits !== undefined && !isTime(digits)) return digits;
  }
  return null;
}

/** 20250119, or seconds since 1970 between 2001 and 2033. */
function isTime(digits: string): boolean {
  if (/^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/.test(digits)) return true;
  return digits.length === 10 && /^1\d{9}$/.test(digits);
}

export function jobOf(path: string, said: Collected['jobIds']): FileJob {
  const named = jobIdOfName(path);
  const bare = (id: string): string => id.replace(/[_+].*$/, '');
  const told = said.map(({ id }) => bare(id));
  // An accounting table speaks of many jobs: it is no log of one.
  if (new Set(told).size > 1) {
    const own = said.find(({ id }) => bare(id) === named);
    return {
      jobId: named,
      from: named === null ? null : 'name',
      evidence: own?.evidence ?? null,
      findings: [],
    };
  }
  const content = said[0];
  if (content === undefined) {
    return { jobId: named, from: named === null ? null : 'name', evidence: null, findings: [] };
  }
  const findings: Finding[] = [];
  if (named !== null && named !== bare(content.id)) {
    const message = `its name says job ${named}, its content says job ${content.id}`;
    const place = `line ${content.evidence.line}`;
    findings.push({ code: 'job-id-disagrees', severity: 'error', message, place });
  }
  return { jobId: content.id, from: 'content', evidence: content.evidence, findings };
}
