/** What the seals say about the runs that are there now, and about each other. */
import type { Lab } from './lab.ts';
import type { Finding } from './schema.ts';
import { currentDigests, headsOf, readSeals, type SealFile } from './seal.ts';

export interface SealCheck {
  readonly findings: Finding[];
  /** Keep one elsewhere: `checkSeals(lab, { head })` later proves that nothing was removed. */
  readonly heads: { file: string; sha256: string }[];
}

/**
 * Compares all seals with the runs on disk. Errors: `sealed-run-edited`, `sealed-run-missing`,
 * `seal-missing`, `seal-edited`, `seal-unreadable`, `seal-head-missing` (the given head is not
 * there: it was deleted or rewritten). Warning: `unsealed-run`. An old seal counts as much as a new
 * one, so sealing again does not launder an edit.
 */
export function checkSeals(lab: Lab, options: { head?: string } = {}): SealCheck {
  const seals = readSeals(lab);
  const findings = [
    ...unreadable(seals),
    ...brokenParents(seals),
    ...runsAgainstSeals(lab, seals),
    ...missingHead(seals, options.head),
  ];
  return { findings, heads: headsOf(seals).map(({ file, sha256 }) => ({ file, sha256 })) };
}

function unreadable(seals: readonly SealFile[]): Finding[] {
  return seals
    .filter(({ seal }) => seal === null)
    .map(({ file }) =>
      error({ code: 'seal-unreadable', place: `seals/${file}`, message: `${file} is no seal` }),
    );
}

function brokenParents(seals: readonly SealFile[]): Finding[] {
  const byName = new Map(seals.map((seal) => [seal.file, seal]));
  const broken = new Map<string, Finding>();
  for (const child of seals) {
    for (const parent of child.seal?.parents ?? []) {
      const found = byName.get(parent.file);
      if (found?.sha256 === parent.sha256) continue;
      const place = `seals/${parent.file}`;
      const evidence = { namedBy: child.file, sealed: parent.sha256, found: found?.sha256 ?? null };
      const finding =
        found === undefined
          ? error({ code: 'seal-missing', place, message: `${parent.file} was deleted`, evidence })
          : error({ code: 'seal-edited', place, message: `${parent.file} was changed`, evidence });
      broken.set(parent.file, finding);
    }
  }
  return [...broken.values()];
}

function runsAgainstSeals(lab: Lab, seals: readonly SealFile[]): Finding[] {
  const now = new Map(currentDigests(lab).map((run) => [run.runId, run.digest]));
  const wrong = new Map<string, Finding>();
  const sealed = new Set<string>();
  for (const { file, seal } of seals) {
    for (const { runId, digest } of seal?.runs ?? []) {
      sealed.add(runId);
      const found = now.get(runId);
      if (found === digest || wrong.has(runId)) continue;
      const place = `runs/${runId}`;
      const evidence = { seal: file, sealed: digest, found: found ?? null };
      const finding =
        found === undefined
          ? error({
              code: 'sealed-run-missing',
              place,
              message: `${runId} was sealed as closed and is no readable closed run any more`,
              evidence,
            })
          : error({
              code: 'sealed-run-edited',
              place,
              message: `the manifest of ${runId} was changed after it was sealed`,
              evidence,
            });
      wrong.set(runId, finding);
    }
  }
  const unsealed = [...now.keys()].filter((runId) => !sealed.has(runId));
  return [...wrong.values(), ...unsealed.map(unsealedRun)];
}

function unsealedRun(runId: string): Finding {
  return {
    code: 'unsealed-run',
    severity: 'warning',
    message: `${runId} is covered by no seal: a change to it cannot be noticed`,
    place: `runs/${runId}`,
  };
}

function missingHead(seals: readonly SealFile[], head: string | undefined): Finding[] {
  if (head === undefined || seals.some(({ sha256 }) => sha256 === head.toLowerCase())) return [];
  return [
    error({
      code: 'seal-head-missing',
      place: 'seals/',
      message: `no seal has the SHA-256 ${head}: the seal was deleted or rewritten`,
      evidence: { head, seals: seals.length },
    }),
  ];
}

function error(finding: Omit<Finding, 'severity'>): Finding {
  return { severity: 'error', ...finding };
}
