/** A document that Assay wrote: every numeral resolves to its run, or it is a finding. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { findLab } from '../../record/lab.ts';
import { listRuns } from '../../record/run-reader.ts';
import { RouteSources } from '../route-numbers.ts';
import { logsOf, lookupIn } from '../verify.ts';
import { verifyDocument } from '../verify-document.ts';
import { type VerifiedRun, verifyRun } from '../verify-run.ts';
import type { AuditedDocument } from './audit.ts';
import type { AuditFinding } from './finding.ts';

/** `EXPERIMENT_LOG.md` → `EXPERIMENT_LOG.evidence.json` beside it; null where there is none. */
export function sidecarOf(path: string): string | null {
  const sidecar = path.replace(/\.\w+$/, '.evidence.json');
  return sidecar !== path && existsSync(sidecar) ? sidecar : null;
}

/** Nothing decides these any more; everything else is not what the runs say. */
const OPEN = new Set(['number-without-evidence', 'evidence-unreadable', 'document-missing']);

export async function auditOwnDocument(path: string, sidecar: string): Promise<AuditedDocument> {
  const lab = findLab(dirname(path));
  const entries = listRuns(lab);
  const verified = new Map<string, VerifiedRun>();
  for (const entry of entries) {
    if (entry.kind === 'closed') verified.set(entry.runId, await verifyRun(entry));
  }
  const { document, numbers, discrepancies } = verifyDocument(sidecar, {
    root: lab.root,
    lookup: lookupIn(verified, entries),
    logs: await logsOf(sidecar),
    routes: await new RouteSources().numbersOf(sidecar),
  });
  const findings = discrepancies.map((d): AuditFinding => {
    const nowhere = { file: document, line: 1, column: 1, text: '', width: 1 };
    return {
      check: d.code,
      severity: OPEN.has(d.code) ? 'not-evidenced' : 'refuted',
      place: d.place ?? nowhere,
      written: d.found ?? document,
      arithmetic: d.expected === undefined ? d.message : `${d.message} is ${d.expected}`,
      follows: OPEN.has(d.code)
        ? 'nothing vouches for it'
        : 'it is not what the report wrote, nor what the runs say',
      ...(d.expected === undefined ? {} : { replacement: d.expected }),
    };
  });
  const held = Math.max(0, numbers - findings.length);
  const checks = [{ check: 'evidence', held, found: findings.length }];
  return {
    path: document,
    encoding: null,
    decimalCommas: false,
    numbers,
    held,
    checks,
    findings,
    notEvidenced: [],
  };
}
