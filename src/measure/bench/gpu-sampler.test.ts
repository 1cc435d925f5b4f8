import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GpuReading, gpuColumns, parseGpuGauges, startGpuSampler } from './gpu-sampler.ts';

const HEADER = 'index, utilization.gpu [%], memory.used [MiB], power.draw [W]';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-gpu-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('one line of the table', () => {
  const read = (line: string, header = HEADER) => parseGpuGauges(line, gpuColumns(header));

  test('with units and without, in any order', () => {
    const wanted = { gpu: 1, utilization: 0.42, memoryBytes: 1_024 * 2 ** 20, powerW: 80.89 };
    expect(read('1, 42 %, 1024 MiB, 80.89 W')).toEqual(wanted);
    expect(read('1, 42, 1024, 80.89')).toEqual(wanted);
    const turned = 'power.draw [W], index, memory.used [MiB], utilization.gpu [%]';
    expect(read('80.89 W, 1, 1024 MiB, 42 %', turned)).toEqual(wanted);
  });

  test('what the card does not say is null', () => {
    expect(read('0, [N/A], 0 MiB, [Not Supported]')).toEqual({
      gpu: 0,
      utilization: null,
      memoryBytes: 0,
      powerW: null,
    });
  });

  test.each([HEADER, '', 'No devices were found', '0, 1 %', 'x, 1 %, 1 MiB, 1 W'])(
    'no reading: %s',
    (line) => {
      expect(read(line)).toBeNull();
    },
  );
});

/** A program that prints as nvidia-smi does, in a PATH of its own. */
function fakeProgram(lines: readonly string[]): Record<string, string> {
  const path = join(dir, 'nvidia-smi');
  const body = lines.map((line) => `console.log(${JSON.stringify(line)});`).join('');
  const stay = 'setInterval(() => {}, 1000)';
  writeFileSync(path, `#!${process.execPath}\n${body}${stay}\n`);
  chmodSync(path, 0o755);
  return { PATH: [dir, process.env.PATH].join(delimiter) };
}

describe('the sampler', () => {
  test('hands on every reading; cards of one report share its time', async () => {
    const env = fakeProgram([
      HEADER,
      ...['0, 0 %, 10 MiB, 80 W', '1, 50 %, 20 MiB, 90 W'],
      ...['0, 10 %, 11 MiB, 81 W', '1, 60 %, 21 MiB, 91 W'],
    ]);
    const readings: GpuReading[] = [];
    let ticks = 0;
    await new Promise<void>((done) => {
      const sampler = startGpuSampler({
        env,
        nowMs: () => 500 * ticks++,
        onReading(reading) {
          readings.push(reading);
          if (readings.length === 4) void sampler.stop().then(done);
        },
      });
    });
    expect(readings.map(({ gpu, atMs }) => [gpu, atMs])).toEqual([
      [0, 0],
      [1, 0],
      [0, 500],
      [1, 500],
    ]);
    expect(readings[3]).toMatchObject({ utilization: 0.6, memoryBytes: 21 * 2 ** 20, powerW: 91 });
  });

  test('without nvidia-smi nothing is read, and nothing fails', async () => {
    const sampler = startGpuSampler({
      env: { PATH: join(dir, 'nowhere') },
      nowMs: () => 0,
      onReading: () => expect.unreachable(),
    });
    await sampler.stop();
  });
});
