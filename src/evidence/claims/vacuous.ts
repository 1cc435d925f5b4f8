/** Could the programs that wrote these logs print a line that the pattern matches? */
import { DIALECTS } from '../../logs/dialects.ts';
import type { LogFile } from '../../logs/log-index.ts';
import { Cancelled } from '../../record/errors.ts';
import { compilePattern } from '../line-search.ts';
import { matchesIn } from '../log-evidence.ts';
import type { ClaimContext } from './numbers.ts';

/** What any program may say, whatever its dialect: that it is not there is news. */
const ANY = /error|exception|traceback|warn|fail|oom|out of memory|nan\b|killed/i;

/** Of larger logs only those that the claim is about are searched. */
const SEARCHED_BYTES = 16 * 2 ** 20;

/**
 * True when no log of the index has such a line, no dialect of the claim's files knows one (its
 * needles and the pattern have nothing in common), and the pattern does not look for what any
 * program may print.
 */
export async function isVacuous(
  source: string,
  files: readonly LogFile[],
  { logs, signal }: ClaimContext,
): Promise<boolean> {
  if (ANY.test(source)) return false;
  const spoken = new Set(files.flatMap((file) => file.dialects));
  const pattern = compilePattern(source, { ignoreCase: true });
  const needles = DIALECTS.filter((d) => spoken.has(d.name)).flatMap((d) => d.needles);
  const words = source.toLowerCase().match(/[a-z]{4,}(?:[ _][a-z]{3,})*/g) ?? [];
  const known = needles.some(
    (needle) => pattern.test(needle) || words.some((word) => needle.toLowerCase().includes(word)),
  );
  return !known && !(await printedElsewhere(source, files, { logs, signal }));
}

async function printedElsewhere(
  source: string,
  files: readonly LogFile[],
  { logs, signal }: Pick<ClaimContext, 'logs' | 'signal'>,
): Promise<boolean> {
  const pattern = compilePattern(source);
  for (const file of logs.index.files) {
    if (files.includes(file) || file.bytes > SEARCHED_BYTES) continue;
    try {
      if ((await matchesIn(logs, file.path, { pattern, signal })).count > 0) return true;
    } catch (error) {
      // Gone since it was indexed: it shows nothing any more.
      if (error instanceof Cancelled) throw error;
    }
  }
  return false;
}
