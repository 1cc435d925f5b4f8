/**
 * Limits and prices that an experiment file gave after its runs were measured. A manifest holds
 * those of its time, and a run is never changed nor measured again for a price: so what the file
 * says now stands beside the report, as long as it differs.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonAtomic } from '../record/atomic.ts';
import { canonicalJson } from '../record/canonical.ts';
import { FormatError } from '../record/errors.ts';
import type { RunConfig } from './collect.ts';
import { decisionSettings } from './decision-settings.ts';

export const DECISION_FILE = 'decision.json';

const schema = z.strictObject({ schema: z.literal('assay.decision/1'), ...decisionSettings });

export type Decision = Pick<RunConfig['experiment'], 'choose' | 'cost'>;

/** null where there is no such file. Throws FormatError for one that is damaged. */
export function readDecision(dir: string): Decision | null {
  const path = join(dir, DECISION_FILE);
  if (!existsSync(path)) return null;
  try {
    const { choose, cost } = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return { choose, cost };
  } catch (cause) {
    throw new FormatError(`${path}: not a decision: ${(cause as Error).message}`, {
      hint: 'remove it, and run the experiment file again',
      cause,
    });
  }
}

/** `now`: what the file says; `then`: what the newest run recorded. */
export function keepDecision(dir: string, now: Decision, then: Decision): void {
  const plain = ({ choose, cost }: Decision): unknown =>
    JSON.parse(JSON.stringify({ choose, cost }));
  const same = canonicalJson(plain(now)) === canonicalJson(plain(then));
  if (same) {
    rmSync(join(dir, DECISION_FILE), { force: true });
    return;
  }
  mkdirSync(dir, { recursive: true });
  const file = { schema: 'assay.decision/1', ...(plain(now) as Decision) };
  writeJsonAtomic(join(dir, DECISION_FILE), file);
}
