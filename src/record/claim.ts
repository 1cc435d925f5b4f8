/**
 * One supervisor an experiment, without a lock. Each writes a file of its own, then looks at the
 * others'. The state in the file makes it exact:
 *
 *   1. write `claiming`;
 *   2. look: someone lives who `holds` → withdraw. Someone lives who is `claiming` under a lower
 *      name → withdraw. Someone lives who is `claiming` under a higher name → they may have looked
 *      before we wrote: wait until they hold or withdraw, and look again;
 *   3. nobody else → write `holds`.
 *
 * Of any two, the one that wrote last sees the other, so both can never pass; the lowest name
 * withdraws only for one that holds, so both can never fail.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { makeDirectory } from './atomic.ts';
import { UsageError } from './errors.ts';
import { isAlive, processStart, startBeating } from './heartbeat.ts';
import type { Lab } from './lab.ts';
import { type ProcessState, processState, randomName } from './process-state.ts';
import { directoryName } from './run-directory.ts';
import { heartbeatSchema } from './schema.ts';

export interface ExperimentClaim {
  /** Gives the experiment free; may be called more than once. */
  release(): void;
}

const SUPERVISORS = '.supervisors';
const POLL_MS = 10;
/** A claimant that neither holds nor withdraws for this long is stopped, not slow. */
const PATIENCE_MS = 15_000;

const claimSchema = heartbeatSchema.extend({
  state: z.enum(['claiming', 'holds']),
  since: heartbeatSchema.shape.at,
});
type ClaimFile = z.infer<typeof claimSchema>;

/**
 * Makes this process the experiment's only supervisor. Throws UsageError (naming pid, host and
 * since when) while another one lives, StorageError when the lab cannot be written. Files of dead
 * supervisors are removed.
 */
export async function claimExperiment(
  lab: Lab,
  experiment: string,
  state: ProcessState = processState(),
): Promise<ExperimentClaim> {
  const directory = join(lab.runsDir, directoryName(experiment), SUPERVISORS);
  const name = `${directoryName(state.hostname)}-${state.pid}-${randomName(state.random, 8)}.json`;
  const own: ClaimFile = {
    pid: state.pid,
    host: state.hostname,
    processStart: processStart(state.pid),
    experiment,
    at: state.clock.now().toISOString(),
    state: 'claiming',
    since: state.clock.now().toISOString(),
  };
  makeDirectory(directory);
  const path = join(directory, name);
  let beat = startBeating(path, () => ({ ...own, at: state.clock.now().toISOString() }));
  const release = (): void => {
    beat.stop();
    rmSync(path, { force: true });
  };
  try {
    await waitForTurn(directory, { own, name, state });
    own.state = 'holds';
    beat.stop();
    beat = startBeating(path, () => ({ ...own, at: state.clock.now().toISOString() }));
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

/** Steps 2 and 3. Throws UsageError when another supervisor has, or gets, the experiment. */
async function waitForTurn(
  directory: string,
  context: { own: ClaimFile; name: string; state: ProcessState },
): Promise<void> {
  const { own, name, state } = context;
  const started = state.clock.monotonicMs();
  for (;;) {
    const others = liveOthers(directory, { name, hostname: state.hostname });
    const winner = others.find((other) => other.claim.state === 'holds' || other.name < name);
    if (winner !== undefined) throw taken(own.experiment, winner.claim);
    const [pending] = others;
    if (pending === undefined) return;
    if (state.clock.monotonicMs() - started > PATIENCE_MS) {
      throw taken(own.experiment, pending.claim);
    }
    await sleep(POLL_MS);
  }
}

function liveOthers(
  directory: string,
  self: { name: string; hostname: string },
): { name: string; claim: ClaimFile }[] {
  const found: { name: string; claim: ClaimFile }[] = [];
  for (const name of readdirSync(directory)) {
    if (name === self.name || !name.endsWith('.json')) continue;
    const path = join(directory, name);
    const claim = readClaim(path);
    // Not readable: withdrawn since we looked, or not ours. Files are whole or absent.
    if (claim === null) continue;
    if (isAlive(path, { hostname: self.hostname })) found.push({ name, claim });
    else rmSync(path, { force: true });
  }
  return found;
}

function readClaim(path: string): ClaimFile | null {
  try {
    return claimSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}

function taken(experiment: string, by: ClaimFile): UsageError {
  return new UsageError(
    `the experiment "${experiment}" is being run by another process: ` +
      `pid ${by.pid} on ${by.host}, since ${by.since}`,
    {
      hint: 'Wait for it or stop it; what it measured is kept, and a new start resumes from it.',
      details: { pid: by.pid, host: by.host, since: by.since },
    },
  );
}
