/** What the GPUs of this machine do meanwhile: one nvidia-smi that reports twice a second. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export const GPU_INTERVAL_MS = 500;

const QUERY = 'index,utilization.gpu,memory.used,power.draw';
const MIB = 1024 * 1024;

export interface GpuReading {
  readonly gpu: number;
  /** By the clock given; the cards of one report share it. */
  readonly atMs: number;
  /** Share of the time in which a kernel ran, 0 … 1; null where the card does not say. */
  readonly utilization: number | null;
  readonly memoryBytes: number | null;
  readonly powerW: number | null;
}

export interface GpuSampler {
  /** Ends nvidia-smi; resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts `nvidia-smi` of PATH; where there is none, nothing is ever read. The program is asked for
 * a header, so that nothing hangs on the order of its columns.
 */
export function startGpuSampler(options: {
  env: Readonly<Record<string, string | undefined>>;
  /** Monotonic. */
  nowMs(): number;
  onReading(reading: GpuReading): void;
}): GpuSampler {
  const args = [`--query-gpu=${QUERY}`, '--format=csv', `--loop-ms=${GPU_INTERVAL_MS}`];
  const child = spawn('nvidia-smi', args, {
    env: options.env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    child.on('error', () => resolve());
    child.on('close', () => resolve());
  });
  readLines(child, options);
  return {
    async stop() {
      // Of a program that was not found, Node 20 would signal an arbitrary group: its own, mostly.
      if (child.pid !== undefined) child.kill('SIGKILL');
      await ended;
    },
  };
}

function readLines(
  child: ChildProcess,
  { nowMs, onReading }: { nowMs(): number; onReading(reading: GpuReading): void },
): void {
  if (!child.stdout) return;
  let columns: readonly string[] | null = null;
  let lastGpu = Number.POSITIVE_INFINITY;
  let atMs = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    columns ??= gpuColumns(line);
    const gauges = parseGpuGauges(line, columns);
    if (gauges === null) return;
    if (gauges.gpu <= lastGpu) atMs = nowMs();
    lastGpu = gauges.gpu;
    onReading({ ...gauges, atMs });
  });
}

/** Names of the columns, without their units: `memory.used [MiB]` → `memory.used`. */
export function gpuColumns(header: string): string[] {
  return header.split(',').map((title) => title.trim().split(' ')[0] as string);
}

/** One line of the table, with or without units; null for a line that is none (header, message). */
export function parseGpuGauges(
  line: string,
  columns: readonly string[],
): Omit<GpuReading, 'atMs'> | null {
  const cells = line.split(',').map((cell) => cell.trim());
  const cell = (name: string): number | null => {
    const text = cells[columns.indexOf(name)] ?? '';
    const value = /^(\d+(?:\.\d+)?)(?: (?:MiB|%|W))?$/.exec(text)?.[1];
    return value === undefined ? null : Number(value);
  };
  const utilization = cell('utilization.gpu');
  const mib = cell('memory.used');
  const powerW = cell('power.draw');
  // A table of one card may come without `index`.
  const gpu = columns.includes('index') ? cell('index') : 0;
  if (cells.length !== columns.length || gpu === null || !Number.isInteger(gpu)) return null;
  if (isHeader(cells, columns)) return null;
  return {
    gpu,
    utilization: utilization === null ? null : utilization / 100,
    memoryBytes: mib === null ? null : Math.round(mib * MIB),
    powerW,
  };
}

function isHeader(cells: readonly string[], columns: readonly string[]): boolean {
  return cells.every((cell, index) => cell.split(' ')[0] === columns[index]);
}
