/** `assay claims check [FILE]`: exit 6 when a claim is refuted. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type CheckedClaim, checkClaims } from '../../evidence/claims/check.ts';
import { parseClaims } from '../../evidence/claims/spec.ts';
import type { Verdict } from '../../evidence/claims/verdict.ts';
import { UsageError } from '../../record/errors.ts';
import { textTable } from '../../report/table.ts';
import { writeLogIndex } from '../../report/write-log-index.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { packageVersion } from '../package.ts';
import { openLogs } from './audit.ts';

interface Options {
  file: string;
  logs?: string;
  out?: string;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const path = resolve(io.cwd, options.file);
  const { claims, logs: beside } = parseClaims(readText(path, options.file), options.file);
  const logs = await openLogs(options.logs ?? resolve(dirname(path), beside ?? io.cwd), io);
  const checked = await checkClaims(claims, { logs, cwd: io.cwd, signal: io.signal });
  if (options.out !== undefined) {
    const dir = resolve(io.cwd, options.out);
    const { index, root } = logs;
    writeLogIndex(index, { dir, root, version: packageVersion(), claims: checked });
  }
  const exitCode = checked.some((c) => c.verdict === 'refuted') ? 6 : 0;
  if (options.json) {
    writeJson(io.stdout, { ok: exitCode === 0, logs: logs.root, claims: checked });
    return exitCode;
  }
  const rows = checked.map((c) => [c.vacuous ? `${c.verdict} (vacuous)` : c.verdict, c.claim]);
  writeLine(io.stdout, textTable([{ title: 'verdict' }, { title: 'claim' }], rows));
  for (const claim of checked) {
    if (claim.verdict !== 'proven') writeLine(io.stdout, `\n${claimText(claim, options.file)}`);
  }
  writeLine(io.stdout, `\n${summary(checked)}`);
  if (logs.index.files.length === 0) {
    const hint = 'give their directory with --logs, or as `logs:` in the file';
    writeLine(io.stderr, `there is no log in ${logs.root}, so none is evidence: ${hint}`);
  }
  return exitCode;
}

function claimText({ verdict, claim, line, reason, evidence }: CheckedClaim, file: string): string {
  const lines = evidence
    .slice(0, 3)
    .map(
      (e) => `    ${e.path}:${e.line} (sha256 ${e.sha256.slice(0, 12)}…): ${e.text.slice(0, 100)}`,
    );
  return [`${file}:${line} ${verdict}: ${claim}`, `    ${reason}`, ...lines].join('\n');
}

function summary(checked: readonly CheckedClaim[]): string {
  const verdicts: readonly Verdict[] = ['proven', 'refuted', 'not-evidenced', 'not-applicable'];
  const counts = verdicts.map((v) => `${checked.filter((c) => c.verdict === v).length} ${v}`);
  return `${checked.length} claims: ${counts.join(', ')}.`;
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`${shown} cannot be read: ${(cause as Error).message}`, {
      hint: '`assay claims init DIR` writes one',
      cause,
    });
  }
}
