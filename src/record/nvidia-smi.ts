/** What nvidia-smi says about the GPUs of this machine. */
import { execFile } from 'node:child_process';
import type { Environment } from './schema.ts';

export type Gpu = Environment['gpus'][number];

/** Header included: it names the columns and their units, so that nothing hangs on their order. */
const QUERY = ['--query-gpu=name,memory.total,driver_version', '--format=csv,nounits'];
const TIME_LIMIT_MS = 3000;
const MIB = 1024 * 1024;

/** Empty and null where there is no nvidia-smi, or it fails or hangs for more than 3 s. */
export async function captureGpus(): Promise<{ gpus: Gpu[]; cuda: string | null }> {
  const [table, xml] = await Promise.all([nvidiaSmi(QUERY), nvidiaSmi(['-q', '-x'])]);
  return { gpus: parseGpuTable(table ?? ''), cuda: parseCudaVersion(xml ?? '') };
}

/**
 * Reads the CSV of `--query-gpu`, with its header, with or without units. Columns that are missing
 * or `[N/A]` give null; one entry a line. A text that is no such table gives no entries.
 */
export function parseGpuTable(csv: string): Gpu[] {
  const [header = '', ...lines] = csv.split(/\r?\n/).filter((line) => line.trim() !== '');
  const columns = header.split(',').map((title) => title.trim().split(' ')[0]);
  const nameAt = columns.indexOf('name');
  if (nameAt < 0) return [];
  const memoryAt = columns.indexOf('memory.total');
  const driverAt = columns.indexOf('driver_version');
  return lines.map((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    const mib = /^(\d+)(?: MiB)?$/.exec(cells[memoryAt] ?? '')?.[1];
    return {
      name: cells[nameAt] ?? '',
      memoryBytes: mib === undefined ? null : Number(mib) * MIB,
      driver: known(cells[driverAt]),
    };
  });
}

/** The CUDA version that the driver supports, from `nvidia-smi -q -x`. */
export function parseCudaVersion(xml: string): string | null {
  return known(/<cuda_version>([^<]*)<\/cuda_version>/.exec(xml)?.[1]);
}

function known(cell: string | undefined): string | null {
  const text = cell?.trim() ?? '';
  return text === '' || /^\[?(N\/A|Not Supported|Unknown)/i.test(text) ? null : text;
}

function nvidiaSmi(args: readonly string[]): Promise<string | null> {
  const limits = { timeout: TIME_LIMIT_MS, killSignal: 'SIGKILL', maxBuffer: 16 * MIB } as const;
  return new Promise((resolve) => {
    execFile('nvidia-smi', args, limits, (error, stdout) => resolve(error ? null : stdout));
  });
}
