/** Experiments that measure speed: small enough for a test, complete in every other way. */

import type { SampleRow } from '../../src/record/rows.ts';
import { loadRun } from '../../src/record/run-reader.ts';
import { readSamples } from '../../src/record/sample-reader.ts';
import type { BenchLab } from './bench-lab.ts';

export interface BenchFileOptions {
  readonly name?: string;
  readonly schemes?: readonly string[];
  readonly batchSizes?: readonly number[];
  readonly rounds?: number;
  readonly runs?: number;
  readonly newTokens?: number;
  readonly coldStarts?: number;
  /** Lines to add to the measure, each indented by six spaces. */
  readonly settings?: string;
  /** Lines to add at the top level. */
  readonly more?: string;
}

/** Writes `<name>.yaml` and returns its file name. */
export function writeBenchFile(bench: BenchLab, options: BenchFileOptions = {}): string {
  const { name = 'speed', schemes = ['f32', 'int4-g128'], batchSizes = [1, 3] } = options;
  const { rounds = 4, runs = 2 * rounds, newTokens = 6, coldStarts = 0 } = options;
  bench.write(
    `${name}.yaml`,
    `name: ${name}
title: A small benchmark
models: [./model]
schemes: [${schemes.join(', ')}]
baseline: ${schemes[0]}
threads: 1
${options.more ?? ''}
measures:
  - bench:
      batch_sizes: [${batchSizes.join(', ')}]
      runs: ${runs}
      warmup: 1
      rounds: ${rounds}
      new_tokens: ${newTokens}
      cold_starts: ${coldStarts}
${options.settings ?? '      prompt_tokens: 8\n      prompt_count: 5\n'}`,
  );
  return `${name}.yaml`;
}

type RowOf<K extends SampleRow['kind']> = Extract<SampleRow, { kind: K }>;

/** The rows of one kind of a run. */
export function rowsOf<K extends SampleRow['kind']>(
  bench: BenchLab,
  runId: string,
  kind: K,
): RowOf<K>[] {
  const { rows, corrupt } = readSamples(loadRun(bench.lab, runId).samplesPath);
  if (corrupt.length > 0) throw new Error(`${runId}: ${JSON.stringify(corrupt)}`);
  return rows.filter((row): row is RowOf<K> => row.kind === kind);
}
