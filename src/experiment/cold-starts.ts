/** How long a fresh process takes from its start to its first token, of each variant. */
import { performance } from 'node:perf_hooks';
import type { SampleRow } from '../record/rows.ts';
import type { OpenBenchCell } from './bench-cell.ts';
import { recordedCell } from './bench-resume.ts';
import type { BenchVariant } from './bench-variant.ts';
import { appendRows } from './open-run.ts';
import type { SuperviseState } from './supervise-context.ts';
import { runWorker } from './worker-process.ts';

/**
 * Before any variant is loaded, so that each process has the machine to itself; one process of each
 * variant after the other, so that drift hits all alike. The files of the model are in the page
 * cache of the system: it is the process that is cold, not the disk.
 */
export async function measureColdStarts(
  variants: readonly BenchVariant[],
  state: SuperviseState,
): Promise<void> {
  const due = variants.flatMap(({ open }) =>
    open.flatMap((cell) => {
      const wanted = cell.cell.measure.cold_starts;
      return wanted > 0
        ? [{ cell, wanted, done: recordedCell(cell.run.samplesPath).coldStarts }]
        : [];
    }),
  );
  const most = Math.max(0, ...due.map(({ wanted }) => wanted));
  const failed = new Set<OpenBenchCell>();
  for (let index = 0; index < most; index++) {
    for (const { cell, wanted, done } of due) {
      if (index < done || index >= wanted || state.signal.aborted) continue;
      // One that fails says why; the next would only say it again.
      if (failed.has(cell)) continue;
      state.onEvent({ type: 'cold-start', cell: cell.cell, index, of: wanted });
      if (!(await measureColdStart(cell, index, state))) failed.add(cell);
    }
  }
}

/** Whether it gave a token. */
async function measureColdStart(
  open: OpenBenchCell,
  index: number,
  state: SuperviseState,
): Promise<boolean> {
  const { cell, run } = open;
  const { builtinDir, env, signal } = state;
  const startMs = performance.now();
  let row: SampleRow | null = null;
  const end = await runWorker({
    job: { type: 'cold-start', cell, builtinDir },
    env,
    signal,
    timeoutS: cell.timeoutS,
    onMessage(message) {
      if (message.type !== 'first-token') return;
      const firstTokenMs = performance.now() - startMs;
      row = { kind: 'cold-start', index, loadMs: message.loadMs, firstTokenMs };
    },
    onStdout: (stream) => stream.resume(),
    onStderr: (stream) => stream.resume(),
  });
  if (row !== null) {
    appendRows(run, [row]);
    return true;
  }
  if (end.status !== 'cancelled') {
    const message = `cold start ${index} gave no token: ${end.reason}`;
    open.add({ code: 'cold-start-failed', severity: 'warning', message });
  }
  return false;
}
