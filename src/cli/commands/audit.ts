/** `assay audit FILE…`: exit 6 when something is refuted, 3 when a file cannot be read. */
import { resolve } from 'node:path';
import { type Audit, auditFiles } from '../../evidence/audit/audit-files.ts';
import { corrected } from '../../evidence/audit/fix.ts';
import type { LogEvidence } from '../../evidence/log-evidence.ts';
import { indexLogs } from '../../logs/index-logs.ts';
import { checksText, findingText, summaryText, undecidedText } from '../audit-text.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

interface Options {
  files: string[];
  logs?: string;
  fix?: boolean;
  json?: boolean;
}

/** Findings of one file that a person is shown. */
const SHOWN = 50;

export async function run(options: Options, io: CommandIo): Promise<number> {
  const logs = options.logs === undefined ? null : await openLogs(options.logs, io);
  const audit = await auditFiles([...new Set(options.files)], {
    cwd: io.cwd,
    logs,
    signal: io.signal,
  });
  const refuted = audit.files.some((f) => f.findings.some((x) => x.severity === 'refuted'));
  const exitCode = refuted ? 6 : (audit.failed[0]?.error.exitCode ?? 0);
  if (options.json) {
    writeJson(io.stdout, { ok: exitCode === 0, ...toJson(audit, options.fix ?? false) });
    return exitCode;
  }
  for (const file of audit.files) {
    for (const finding of file.findings.slice(0, SHOWN)) {
      writeLine(io.stdout, `${findingText(finding)}\n`);
    }
    const more = file.findings.length - SHOWN;
    if (more > 0) writeLine(io.stdout, `${file.path}: and ${more} more; --json has all\n`);
  }
  for (const file of audit.files) {
    writeLine(io.stdout, summaryText(file));
    if (file.checks.length > 0) writeLine(io.stdout, checksText(file));
    const open = undecidedText(file);
    if (open) writeLine(io.stdout, open);
  }
  if (options.fix) writeFixes(audit, io);
  for (const { error } of audit.failed) {
    writeLine(io.stderr, `error: ${oneLine(error.message)}`);
    if (error.hint) writeLine(io.stderr, `hint: ${error.hint}`);
  }
  return exitCode;
}

/** Reads the logs below a directory; progress on a terminal's stderr. */
export async function openLogs(directory: string, io: CommandIo): Promise<LogEvidence> {
  const root = resolve(io.cwd, directory);
  const index = await indexLogs(root, {
    signal: io.signal,
    onFile(path, i, of) {
      if (io.stderr.isTTY) io.stderr.write(`\r\u001b[K${i + 1}/${of} ${path}`);
    },
  });
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K');
  return { root, index };
}

function fixesOf(audit: Audit): ReturnType<typeof corrected> {
  return audit.documents.flatMap((document) => {
    const file = audit.files.find((f) => f.path === document.path);
    return file ? corrected(document, file.findings) : [];
  });
}

function writeFixes(audit: Audit, io: CommandIo): void {
  const parts = fixesOf(audit);
  if (parts.length === 0) writeLine(io.stdout, '\nNothing that is refuted has one right text.');
  for (const { path, line, text, corrections } of parts) {
    const numbers = corrections === 1 ? '1 number' : `${corrections} numbers`;
    writeLine(io.stdout, `\n${path}:${line}, ${numbers} corrected:\n${text}`);
  }
}

function toJson(audit: Audit, fix: boolean): Record<string, unknown> {
  return {
    files: audit.files,
    failed: audit.failed.map(({ path, error }) => ({
      path,
      code: error.code,
      message: error.message,
      hint: error.hint ?? null,
    })),
    ...(fix ? { corrected: fixesOf(audit) } : {}),
  };
}

/** A path may hold a line break; a message is one line. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, '\\n');
