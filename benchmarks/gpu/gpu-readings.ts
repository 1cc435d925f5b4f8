/** GPU memory, load and power while something runs, as nvidia-smi tells them. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface GpuPeak {
  /** Largest memory in use on the GPU while watched, less what was in use before; MiB. */
  readonly memoryMiB: number;
  readonly utilizationPercent: number;
  readonly powerW: number;
}

const FIELDS = '--query-gpu=memory.used,utilization.gpu,power.draw';

export class GpuWatch {
  readonly #child: ChildProcess;
  #text = '';
  #failed = false;

  constructor() {
    this.#child = spawn('nvidia-smi', [FIELDS, '--format=csv,noheader,nounits', '-lms', '100'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child.on('error', () => {
      this.#failed = true;
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
    });
  }

  /** Null where there is no nvidia-smi. The first reading counts as what was there before. */
  async stop(): Promise<GpuPeak | null> {
    await new Promise((resolve) => setTimeout(resolve, 150));
    this.#child.kill();
    const rows = this.#text
      .split('\n')
      .map((line) => line.split(',').map(Number))
      .filter((row) => row.length === 3 && row.every(Number.isFinite)) as [
      number,
      number,
      number,
    ][];
    const [before] = rows;
    if (this.#failed || before === undefined) return null;
    return {
      memoryMiB: Math.max(...rows.map((row) => row[0])) - before[0],
      utilizationPercent: Math.max(...rows.map((row) => row[1])),
      powerW: Math.max(...rows.map((row) => row[2])),
    };
  }
}
