/** Whether an index on disk is still what would be written: then nothing needs to be done. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileVolatile } from '../record/atomic.ts';
import { logIndexPaths } from './write-log-index.ts';

/** Disposable, as the cache is. */
const STATE_NAME = 'logs-state.json';

interface State {
  /** What was indexed, by which version. */
  readonly key: string;
  /** Of the files that were written. */
  readonly outputs: readonly string[];
  /** What the terminal was shown. */
  readonly text: string;
}

/** What the terminal was shown when this was indexed last; null if anything is different now. */
export function knownText(dir: string, key: string): string | null {
  try {
    const state = JSON.parse(readFileSync(join(dir, STATE_NAME), 'utf8')) as State;
    const isSame = state.key === key && state.outputs.join() === outputStamps(dir).join();
    return isSame ? state.text : null;
  } catch {
    return null;
  }
}

export function saveState(dir: string, key: string, text: string): void {
  const state: State = { key, outputs: outputStamps(dir), text };
  writeFileVolatile(join(dir, STATE_NAME), JSON.stringify(state));
}

function outputStamps(dir: string): string[] {
  return logIndexPaths(dir).map((path) => {
    const { size, mtimeMs, ctimeMs, ino } = statSync(path);
    return [size, mtimeMs, ctimeMs, ino].join(':');
  });
}
