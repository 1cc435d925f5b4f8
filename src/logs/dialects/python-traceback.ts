/** Python tracebacks: the cause is the last line. A banner after one is false. */
import type { Dialect } from '../dialect.ts';
import type { LogLine } from '../log-line.ts';

const START = 'Traceback (most recent call last):';
/** `ImportError: …`, `torch.OutOfMemoryError: …`, `KeyboardInterrupt`. */
const CAUSE = /^(?:\[[^\]]*\]:?\s*)?((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?::\s?(.*))?$/;
/** Of a cause this much is looked at. */
const MAX_CAUSE = 1000;
/** A traceback longer than this (recursion prints 1,000 frames in three lines each) is cut. */
const MAX_LINES = 4000;
const STEP = 64;

export const pythonTraceback: Dialect = {
  name: 'python',
  needles: [START],
  open: (log) => {
    /** What precedes "Traceback" on its line (a process prefix), to be taken off the others. */
    let prefix: string | null = null;
    let lines = 0;
    let first: LogLine | null = null;
    const finish = (line: LogLine, cause: string): void => {
      prefix = null;
      const name = /^[\w.]+/.exec(cause)?.[0] ?? cause;
      log.count(`errors.${name.slice(0, 60)}`, first ?? line);
      log.lastFact('cause', cause.slice(0, 300), line);
      const memory = /OutOfMemory|CUDA out of memory|^MemoryError/.test(cause);
      const outcome =
        name === 'KeyboardInterrupt' ? 'cancelled' : memory ? 'out-of-memory' : 'failed';
      log.sign('error', outcome, line);
    };
    return {
      line(line) {
        const text = line.text;
        const at = text.indexOf(START);
        if (at >= 0) {
          prefix = text.slice(0, at);
          lines = 0;
          first = line.copy();
          log.count('tracebacks', line);
          log.follow(STEP);
          return;
        }
        if (prefix === null) return;
        lines += 1;
        const body = withoutPrefix(text, prefix);
        if (/^(?:\s|$)/.test(body) || lines > MAX_LINES) {
          if (lines > MAX_LINES) prefix = null;
          else if (lines % STEP === STEP - 1) log.follow(STEP);
          return;
        }
        const cause = body.slice(0, MAX_CAUSE);
        if (CAUSE.test(cause)) finish(line, cause);
        // Another process wrote in between: go on looking for a while.
        else if (lines % STEP === STEP - 1 && lines < 4 * STEP) log.follow(STEP);
      },
      end() {
        if (prefix !== null && first !== null) log.sign('error', 'failed', first);
      },
    };
  },
};

/** A logger's prefix holds the time, which goes on. */
function withoutPrefix(text: string, prefix: string): string {
  const same = (part: string): string => part.replaceAll(/\d/g, '#');
  return same(text.slice(0, prefix.length)) === same(prefix) ? text.slice(prefix.length) : text;
}
