/** `assay runs ls` */
import { findLab } from '../../record/lab.ts';
import { listRuns, type RunEntry } from '../../record/run-reader.ts';
import { textTable } from '../../report/table.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

export async function run(options: { json?: boolean }, io: CommandIo): Promise<number> {
  const lab = findLab(io.cwd);
  const entries = listRuns(lab);
  if (options.json) {
    writeJson(io.stdout, { lab: lab.root, runs: entries.map(asJson) });
    return 0;
  }
  if (entries.length === 0) {
    writeLine(io.stdout, `No runs in ${lab.runsDir}. Next: assay demo`);
    return 0;
  }
  const rows = entries.map((entry) => {
    const { status, reason, startedAt, seconds } = asJson(entry);
    const time = seconds === null ? '—' : `${seconds.toFixed(1)} s`;
    return [entry.runId, status, startedAt ?? '—', time, reason?.split('\n')[0] ?? ''];
  });
  const columns = ['Run', 'Status', 'Started', 'Took', 'Reason'].map((title) => ({ title }));
  writeLine(io.stdout, textTable(columns, rows));
  writeLine(io.stdout, `\n${entries.length} runs. Next: assay runs show RUN`);
  return 0;
}

function asJson(entry: RunEntry): {
  runId: string;
  status: string;
  reason: string | null;
  startedAt: string | null;
  seconds: number | null;
} {
  const { runId } = entry;
  if (entry.kind === 'unreadable') {
    return { runId, status: 'unreadable', reason: entry.problem, startedAt: null, seconds: null };
  }
  const { startedAt, elapsedMs, reason } = entry.manifest;
  if (entry.kind === 'closed') {
    const seconds = elapsedMs === null ? null : elapsedMs / 1_000;
    return { runId, status: entry.manifest.status, reason, startedAt, seconds };
  }
  const status = entry.alive ? 'running' : 'unfinished';
  const why = entry.alive ? null : 'its process is gone; run the experiment again to resume';
  return { runId, status, reason: why, startedAt, seconds: null };
}
