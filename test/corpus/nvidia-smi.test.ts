/** Real output of nvidia-smi on an H200, read when the corpus is there. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCudaVersion, parseGpuTable } from '../../src/record/nvidia-smi.ts';

const corpus = resolve(import.meta.dirname, '../../../shared/nvidia-smi');
const present = existsSync(corpus);
if (!present) console.log('skipped: ../shared/nvidia-smi is not there');
const read = (name: string): string => readFileSync(resolve(corpus, name), 'utf8');

describe.skipIf(!present)('real nvidia-smi output', () => {
  it('names GPU, memory and driver from a table with units', () => {
    const rows = parseGpuTable(read('nvsmi_busy.csv'));
    expect(rows.length).toBeGreaterThan(1);
    for (const row of rows) {
      expect(row).toEqual({
        name: 'NVIDIA H200',
        memoryBytes: 143_771 * 1024 * 1024,
        driver: '580.159.04',
      });
    }
  });

  it('has null for the columns that a table lacks', () => {
    expect(parseGpuTable(read('nvsmi_idle.csv'))[0]).toEqual({
      name: 'NVIDIA H200',
      memoryBytes: null,
      driver: null,
    });
  });

  it('finds the CUDA version', () => {
    expect(parseCudaVersion(read('nvidia-smi-q.xml'))).toBe('13.0');
  });
});
