/** An experiment of some seconds in many small batches: something to interrupt. */
import { join } from 'node:path';
import { type BenchLab, benchLab } from './bench-lab.ts';
import { writeExperiment } from './experiment-file.ts';
import { writeCorpus } from './texts.ts';

export interface LongExperimentOptions {
  readonly schemes?: readonly string[];
  /** Documents of 1,000 tokens. */
  readonly documents?: number;
  readonly more?: string;
  readonly root?: string;
}

/** Writes `small.yaml` into a new lab. */
export function longExperiment(options: LongExperimentOptions = {}): BenchLab {
  const bench = benchLab(options.root === undefined ? {} : { root: options.root });
  const { schemes = ['f32', 'int4-g128'], documents = 40 } = options;
  writeCorpus(join(bench.root, 'corpus.jsonl'), Array(documents).fill(1_000), 3);
  writeExperiment(bench, {
    ...{ schemes, budget: 'extended' },
    window: '      context: 64\n      stride: 64\n      batch_tokens: 128\n',
    ...(options.more === undefined ? {} : { more: options.more }),
  });
  return bench;
}
