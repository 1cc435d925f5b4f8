/** `assay weights …`: the commands that look at weights and change nothing. */
import type { Command } from 'commander';
import type { Act, Options } from './measuring-commands.ts';

export function addLooking(weights: Command, act: Act): void {
  weights
    .command('inspect')
    .description('tensors, dtypes, shapes, bytes, schemes; does it all fit together, and vLLM?')
    .argument('<path>', 'a directory with *.safetensors, or one such file')
    .argument('[glob]', 'only tensors of such names: * is any text, ? one character')
    .option('--json', 'as JSON')
    .addHelpText('after', "\nExample:\n  assay weights inspect ./model '*.layers.0.*'")
    .action((path: string, glob: string | undefined, options: Options) =>
      act(() => import('./commands/weights-inspect.ts'))({ ...options, path, glob }),
    );
  weights
    .command('autopsy')
    .description('statistics of every tensor, and what is wrong with any: a recorded run')
    .argument('<path>', 'a directory with *.safetensors, or one such file')
    .option('--no-hash', 'record the files by size and time, not by SHA-256')
    .option('--no-charts', 'draw no pictures')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay weights autopsy ./model')
    .action((path: string, options: Options) =>
      act(() => import('./commands/weights-autopsy.ts'))({ ...options, path }),
    );
  weights
    .command('diff')
    .description('two checkpoints value by value: is the error what the format allows?')
    .argument('<a>', 'the original: a directory, or one file')
    .argument('<b>', 'its quantized or changed version')
    .option('--no-hash', 'record the files by size and time, not by SHA-256')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay weights diff ./model ./model-int4')
    .action((first: string, second: string, options: Options) =>
      act(() => import('./commands/weights-diff.ts'))({ ...options, first, second }),
    );
}
