/** `assay verify`: exit 0 when everything stands, 6 when anything was changed. */
import { renderDiscrepancy } from '../../evidence/discrepancy.ts';
import { verifyLab } from '../../evidence/verify.ts';
import { UsageError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

interface Options {
  runs: string[];
  head?: string;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  if (options.head !== undefined && !/^[0-9a-f]{64}$/i.test(options.head)) {
    throw new UsageError('--head: a SHA-256 of 64 hex digits is needed', {
      hint: '`assay verify` prints the current head: keep it outside this lab',
    });
  }
  const lab = findLab(io.cwd);
  const found = await verifyLab(lab, {
    only: options.runs,
    ...(options.head === undefined ? {} : { head: options.head }),
    onRun(runId, index, of) {
      if (io.stderr.isTTY) io.stderr.write(`\r\u001b[K${index + 1}/${of} ${runId}`);
    },
  });
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K');
  if (found.runs + found.unfinished === 0 && found.discrepancies.length === 0) {
    throw new UsageError(
      options.runs.length > 0
        ? `no run fits ${options.runs.join(', ')}`
        : `no runs in ${lab.runsDir}`,
      { hint: '`assay demo` makes some; `assay runs ls` shows them' },
    );
  }
  const exitCode = found.discrepancies.length > 0 ? 6 : 0;
  if (options.json) {
    writeJson(io.stdout, { ok: exitCode === 0, ...found });
    return exitCode;
  }
  for (const discrepancy of found.discrepancies) {
    writeLine(io.stdout, `${renderDiscrepancy(discrepancy)}\n`);
  }
  writeLine(
    io.stdout,
    `${found.runs} runs, ${found.samples} samples, ${found.metrics} metrics recomputed, ` +
      `${found.numbers} numbers in ${found.documents} documents rendered again.`,
  );
  if (found.unfinished > 0) {
    writeLine(io.stdout, `${found.unfinished} unfinished runs have no result to check.`);
  }
  for (const head of found.heads) writeLine(io.stdout, `head: ${head.sha256} (seals/${head.file})`);
  if (options.head === undefined && options.runs.length === 0) {
    writeLine(
      io.stdout,
      'Deleting the newest runs together with the newest seal cannot be noticed from inside: ' +
        'keep the head elsewhere and pass it with --head.',
    );
  }
  const n = found.discrepancies.length;
  writeLine(io.stdout, verdict(n));
  return exitCode;
}

function verdict(discrepancies: number): string {
  if (discrepancies === 0) return 'Everything stands.';
  const what = discrepancies === 1 ? 'thing is not what it was' : 'things are not what they were';
  return `${discrepancies} ${what}.`;
}
