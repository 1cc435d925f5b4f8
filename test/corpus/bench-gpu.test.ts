/** The benchmark's GPU readings against what a real nvidia-smi wrote. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gpuColumns, parseGpuGauges } from '../../src/measure/bench/gpu-sampler.ts';

const folder = resolve(import.meta.dirname, '../../../shared/nvidia-smi');
const there = existsSync(folder);
if (!there) console.log(`skipped: ${folder} is not there`);

describe.runIf(there)('readings of a real card', () => {
  const read = (name: string) => {
    const lines = readFileSync(resolve(folder, name), 'utf8').trim().split(/\r?\n/);
    const columns = gpuColumns(lines[0]!);
    return lines.map((line) => parseGpuGauges(line, columns));
  };

  test('with units: idle, then at work', () => {
    const [header, ...readings] = read('nvsmi_busy.csv');
    expect(header).toBeNull();
    expect(readings.length).toBeGreaterThan(3);
    for (const reading of readings) expect(reading).toMatchObject({ gpu: 0 });
    const used = readings.map((reading) => reading!.utilization!);
    expect(used[0]).toBe(0);
    expect(Math.max(...used)).toBeGreaterThan(0.5);
    expect(Math.max(...used)).toBeLessThanOrEqual(1);
    expect(readings[0]).toEqual({ gpu: 0, utilization: 0, memoryBytes: 0, powerW: 80.89 });
    const most = Math.max(...readings.map((reading) => reading!.memoryBytes!));
    expect(most % 2 ** 20).toBe(0);
    expect(most).toBeGreaterThan(100 * 2 ** 20);
  });

  test('without units, and without an index', () => {
    const [header, reading] = read('nvsmi_idle.csv');
    expect(header).toBeNull();
    expect(reading).toEqual({ gpu: 0, utilization: 0, memoryBytes: 0, powerW: 80.45 });
  });
});
