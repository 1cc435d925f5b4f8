/** What the seals say, with the places in their files that say it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../record/lab.ts';
import { compactTime } from '../record/process-state.ts';
import type { Finding } from '../record/schema.ts';
import { readSeals } from '../record/seal.ts';
import { checkSeals } from '../record/seal-check.ts';
import { type Discrepancy, placeIn } from './discrepancy.ts';
import { mendFile } from './mended-file.ts';

export interface VerifiedSeals {
  readonly discrepancies: readonly Discrepancy[];
  readonly heads: readonly { file: string; sha256: string }[];
}

export function verifySeals(lab: Lab, options: { head?: string }): VerifiedSeals {
  const { findings, heads } = checkSeals(lab, options);
  const mended = new Set<string>();
  const discrepancies: Discrepancy[] = [];
  for (const finding of findings.filter(({ code }) => code === 'seal-edited')) {
    const file = finding.place?.slice('seals/'.length) ?? '';
    const found = mend(lab, finding, file);
    if (found) mended.add(file);
    discrepancies.push(found ?? said(lab, finding));
  }
  for (const finding of findings.filter(({ code }) => code !== 'seal-edited')) {
    // What a changed seal says about a run is no news of the run.
    if (mended.has(String(finding.evidence?.seal))) continue;
    discrepancies.push(said(lab, finding));
  }
  return { discrepancies: [...discrepancies, ...oddTimes(lab)], heads };
}

function mend(lab: Lab, finding: Finding, file: string): Discrepancy | null {
  const bytes = readFileSync(join(lab.sealsDir, file));
  const sha256 = String(finding.evidence?.sealed);
  const code = 'seal-edited';
  return mendFile({ file: `seals/${file}`, bytes, sha256, code })?.discrepancy ?? null;
}

function said(lab: Lab, finding: Finding): Discrepancy {
  const { code, message, evidence = {} } = finding;
  if (code === 'seal-unreadable') return { code, message, ...strangeKey(lab, finding) };
  const run = finding.place?.startsWith('runs/') ? { run: finding.place.slice(5) } : {};
  if (code === 'unsealed-run') {
    const hint = 'if it is yours, run its experiment again to seal it';
    return { code, message: `${message}; ${hint}`, ...run };
  }
  const { seal, namedBy, sealed, found } = evidence as Record<string, string | null>;
  const by = seal ?? namedBy;
  if (by == null || sealed == null) return { code, message, ...run };
  // Which of the two was changed cannot be told; the place shows what the seal says.
  const says = found == null ? message : `${message}, or its digest in seals/${by} was`;
  const place = placeOf(lab, by, sealed);
  const digests =
    found == null ? { expected: sealed, found: 'none' } : { expected: found, found: sealed };
  return { code, message: says, ...run, ...(place ? { place } : {}), ...digests };
}

/** The keys of a seal, at all depths. */
const KEYS = ['schema', 'sealedAt', 'runs', 'runId', 'digest', 'parents', 'file', 'sha256'];

/** The first key that no seal has, and which one it resembles. */
function strangeKey(lab: Lab, { place }: Finding): Partial<Discrepancy> {
  const file = place ?? '';
  const content = readFileSync(join(lab.root, file), 'utf8');
  for (const { 1: key = '', index } of content.matchAll(/"([^"\\]*)"\s*:/g)) {
    if (KEYS.includes(key)) continue;
    const alike = (known: string): number => [...known].filter((c, i) => c === key[i]).length;
    const [expected] = KEYS.toSorted((a, b) => alike(b) - alike(a));
    const range = { start: index + 1, end: index + 1 + key.length };
    return { place: placeIn(file, content, range), expected: expected as string, found: key };
  }
  return {};
}

function placeOf(lab: Lab, file: string, text: string): Discrepancy['place'] | null {
  const path = join(lab.sealsDir, file);
  const content = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const start = content.indexOf(text);
  return start < 0 ? null : placeIn(`seals/${file}`, content, { start, end: start + text.length });
}

/** A seal is named after the second in which it was written. */
function oddTimes(lab: Lab): Discrepancy[] {
  return readSeals(lab).flatMap(({ file, seal }): Discrepancy[] => {
    const named = file.split('-')[0] as string;
    if (seal === null || compactTime(new Date(seal.sealedAt)) === named) return [];
    const place = placeOf(lab, file, seal.sealedAt);
    const message = `sealedAt of seals/${file} is not the time in its name`;
    const both = { expected: named, found: seal.sealedAt };
    return [{ code: 'seal-edited', message, ...(place ? { place } : {}), ...both }];
  });
}
