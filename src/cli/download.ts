/** Progress of a model that is fetched from a hub. */
import { type CommandIo, writeLine } from './io.ts';

export interface DownloadView {
  onDownload(progress: { file: string; bytes: number; ofBytes: number }): void;
}

/** One line a file and tenth of it: enough to see that it moves, short enough for a log. */
export function downloadView(io: CommandIo): DownloadView {
  const shown = new Map<string, number>();
  return {
    onDownload({ file, bytes, ofBytes }) {
      const tenth = ofBytes > 0 ? Math.floor((10 * bytes) / ofBytes) : 10;
      if (tenth <= (shown.get(file) ?? -1)) return;
      shown.set(file, tenth);
      const mib = (n: number): string => (n / 2 ** 20).toFixed(1);
      writeLine(io.stderr, `downloading ${file}: ${mib(bytes)} of ${mib(ofBytes)} MiB`);
    },
  };
}
