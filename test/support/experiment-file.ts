/** Experiment files for tests: small, complete, and changed where a test wants it. */
import type { BenchLab } from './bench-lab.ts';
import { writeLabelledSet } from './texts.ts';

export interface ExperimentOptions {
  readonly name?: string;
  readonly schemes?: readonly string[];
  readonly budget?: string;
  readonly task?: boolean;
  /** Score some batches of the evaluation twice. */
  readonly repeat?: boolean;
  /** Lines to add to the evaluation. */
  readonly window?: string;
  /** Lines to add at the top level. */
  readonly more?: string;
}

/** Writes `<name>.yaml` (and a labelled set) and returns its file name. */
export function writeExperiment(bench: BenchLab, options: ExperimentOptions = {}): string {
  const { name = 'small', schemes = ['f32', 'int4-g128'], budget = 'smoke' } = options;
  const task = `  - task:
      name: letters
      file: items.jsonl
      prompt: "{text}="
      continuation: "{label}"
`;
  if (options.task) writeLabelledSet(`${bench.root}/items.jsonl`, 40);
  bench.write(
    `${name}.yaml`,
    `name: ${name}
title: A small experiment
models: [./model]
schemes: [${schemes.join(', ')}]
baseline: ${schemes[0]}
threads: 1
${options.more ?? ''}
measures:
  - eval:
      corpus: corpus.jsonl
      budget: ${budget}
      check_repeat: ${options.repeat ?? false}
${options.window ?? ''}${options.task ? task : ''}`,
  );
  return `${name}.yaml`;
}

/** What `assay run --json` prints, as far as tests read it. */
export interface RunOutput {
  readonly experiment: string;
  readonly runs: readonly {
    readonly cell: string;
    readonly runId: string;
    readonly status: string;
    readonly reason: string | null;
    readonly reused: boolean;
    readonly metrics: Readonly<Record<string, import('../../src/record/schema.ts').Metric>>;
  }[];
  readonly report: { readonly logPath: string; readonly evidencePath: string };
}
