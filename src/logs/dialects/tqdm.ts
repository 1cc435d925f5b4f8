/** Progress bars of tqdm, and vLLM's variant of them (`14% Completed | 1/7 [`). */
import { BarTracker } from '../bars.ts';
import type { Dialect } from '../dialect.ts';

export const tqdm: Dialect = {
  name: 'tqdm',
  needles: ['%|', '% Completed |', 'it ['],
  open(log) {
    const tracker = new BarTracker(log.path);
    return {
      line: (line, isAlone) => tracker.line(line, isAlone),
      skim: (line) => tracker.skim(line),
      release: () => tracker.release(),
      end() {
        const bars = tracker.bars();
        if (bars.length === 0) return;
        log.spoken();
        log.bars(bars);
      },
    };
  },
};
