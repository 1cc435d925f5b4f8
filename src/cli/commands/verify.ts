/** `assay verify`: exit 0 when everything stands, 6 when anything was changed. */
import { type Discrepancy, renderDiscrepancy } from '../../evidence/discrepancy.ts';
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
  // Reports of logs and traces stand without runs.
  const checked = found.runs + found.unfinished + found.documents;
  if (checked === 0 && found.discrepancies.length === 0) {
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
  for (const { first, others } of gathered(found.discrepancies)) {
    const from = first.run === undefined ? 'like it' : 'from this run';
    const more = others > 0 ? `\n    and ${others} more of ${first.place?.file} ${from}` : '';
    writeLine(io.stdout, `${renderDiscrepancy(first)}${more}\n`);
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

/** Of these one place of a document stands for all that have the same cause. */
const COMMON = new Set(['number-without-evidence', 'number-added']);

/** A run that is gone takes hundreds of numbers with it: one place of each document tells it. */
function gathered(all: readonly Discrepancy[]): { first: Discrepancy; others: number }[] {
  const groups = new Map<string, { first: Discrepancy; others: number }>();
  for (const [index, each] of all.entries()) {
    const key = COMMON.has(each.code)
      ? `${each.code} ${each.place?.file} ${each.run}`
      : String(index);
    const known = groups.get(key);
    if (known) known.others++;
    else groups.set(key, { first: each, others: 0 });
  }
  return [...groups.values()];
}

function verdict(discrepancies: number): string {
  if (discrepancies === 0) return 'Everything stands.';
  const what = discrepancies === 1 ? 'thing is not what it was' : 'things are not what they were';
  return `${discrepancies} ${what}.`;
}
