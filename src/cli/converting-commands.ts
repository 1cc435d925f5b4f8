/** `assay weights dequantize`, `quantize` and `repack`: a whole checkpoint becomes another. */
import type { Command } from 'commander';
import type { Act, Options } from './measuring-commands.ts';
import { integer } from './option-values.ts';

export function addConverting(weights: Command, act: Act): void {
  withShared(
    weights
      .command('dequantize')
      .description('FP8, compressed-tensors, GPTQ or AWQ to plain floats: a recorded run')
      .option('--to <dtype>', 'bf16, f16 or f32', 'bf16'),
    'assay weights dequantize ./model-int4 ./model-bf16',
  ).action((from: string, out: string, options: Options) =>
    act(() => import('./commands/weights-dequantize.ts'))({ ...options, in: from, out }),
  );
  withShared(
    weights
      .command('quantize')
      .description('plain floats to a scheme, in a format that servers load: a recorded run')
      .requiredOption('--scheme <scheme>', 'e.g. int4-g128, int8-channel, fp8-block128')
      .requiredOption('--format <format>', 'compressed-tensors, fp8, gptq or awq')
      .option('--ignore <module...>', 'keep these: a path, its last parts, or re:…'),
    'assay weights quantize ./model ./model-int4 --scheme int4-g128 --format compressed-tensors',
  ).action((from: string, out: string, options: Options) =>
    act(() => import('./commands/weights-quantize.ts'))({ ...options, in: from, out }),
  );
  withShared(
    weights
      .command('repack')
      .description('integer codes in another format, no value changed: a recorded run')
      .requiredOption('--format <format>', 'compressed-tensors, gptq or awq'),
    'assay weights repack ./model-gptq ./model-ct --format compressed-tensors',
  ).action((from: string, out: string, options: Options) =>
    act(() => import('./commands/weights-repack.ts'))({ ...options, in: from, out }),
  );
}

function withShared(command: Command, example: string): Command {
  return command
    .argument('<in>', 'the directory of the model')
    .argument('<out>', 'a directory that does not exist yet')
    .option('--dry-run', 'print the plan with bytes and free disk; write nothing')
    .option('--workers <n>', 'threads; 0: none; default: by size, at most 2', integer(0, 64))
    .option('--no-verify', 'do not read back and check what was written')
    .option('--no-hash', 'record no SHA-256 of what was read and written')
    .option('--json', 'as JSON')
    .addHelpText('after', `\nExample:\n  ${example}`);
}
