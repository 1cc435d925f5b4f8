/** A directory of logs as small as they can be while their programs are still recognised. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const slurm = (job: string, times: { from: string; to: string }, body: string): string =>
  [
    '='.repeat(60),
    `JobID = ${job}`,
    'Partition = gpu, Nodelist = node7',
    '='.repeat(60),
    body,
    '============ Job Information ==========================',
    `Submitted: 2026-03-01T08:00:00`,
    `Started: 2026-03-01T${times.from}`,
    `Ended: 2026-03-01T${times.to}`,
    'Elapsed: 9 min, Limit: 720 min, Difference: 711 min',
    'CPUs: 8, Nodes: 1',
    'Estimated Consumption: 10.00 core-hours',
    '='.repeat(60),
    '',
  ].join('\n');

const FILES: Readonly<Record<string, string>> = {
  'logs/quantize_FP8.log': slurm(
    '4400001',
    { from: '09:00:00', to: '09:08:20' },
    [
      'Loaded 64 samples.',
      'Running calibration on 64 samples (Truncated to 512 tokens)',
      'Saving model to: out/',
      'Done.',
    ].join('\n'),
  ),
  'logs/quantize_INT4_4400002.log': slurm(
    '4400002',
    { from: '10:00:00', to: '10:00:40' },
    'Loaded 64 samples.',
  ),
  'logs/quantize_INT4_4400002.err':
    'Traceback (most recent call last):\n  File "q.py", line 5, in <module>\n' +
    "ImportError: cannot import name 'AWQModifier'\n",
};

export function smallLogs(): { dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'assay-logs-'));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return { dir, remove: () => rmSync(dir, { recursive: true }) };
}
