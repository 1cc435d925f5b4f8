/** Progress over the bytes of one file: a bar on a terminal, a line each few seconds elsewhere. */
import { type CommandIo, writeLine } from './io.ts';

export interface ReadingProgress {
  readonly show: (bytes: number, of: number) => void;
  readonly end: () => void;
}

/** A file that is read sooner than this is not worth a line. */
const QUIET_MS = 2_000;

export function readingProgress(io: CommandIo, name: string): ReadingProgress {
  let told = performance.now();
  let shown = false;
  const text = (bytes: number, of: number): string =>
    `reading ${name}: ${((100 * bytes) / of).toFixed(0)} % of ${(of / 1e6).toFixed(0)} MB`;
  return {
    show(bytes, of) {
      const now = performance.now();
      if (now - told < QUIET_MS) return;
      told = now;
      shown = true;
      if (io.stderr.isTTY) io.stderr.write(`\r${text(bytes, of)}`);
      else writeLine(io.stderr, text(bytes, of));
    },
    end() {
      if (shown && io.stderr.isTTY) io.stderr.write('\r\u001b[K');
    },
  };
}
