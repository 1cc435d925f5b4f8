/** `assay moe …`: which experts a mixture-of-experts model sends its tokens to. */
import type { Command } from 'commander';
import { type Act, type Options, withModel } from './measuring-commands.ts';
import { integer, number, seconds } from './option-values.ts';

const numbers = (text: string): number[] => text.split(',').map(Number);

export function addRouting(program: Command, act: Act): void {
  const moe = program.command('moe').description('routing of mixture-of-experts models');
  withModel(moe.command('trace'), 1234)
    .description('generate, and write down which experts every token went to: a recorded run')
    .requiredOption('--prompts <file>', '.txt (one a line) or .jsonl (text, prompt or input_ids)')
    .option('--prompt-count <n>', 'the first so many prompts (default: all)', integer(1))
    .option('--new-tokens <n>', 'tokens to generate for each prompt', integer(1), 128)
    .option('--temperature <t>', '0 is greedy', number(0), 0)
    .option('--batch-size <n>', 'prompts that are generated together', integer(1), 8)
    .option('--layers <list>', 'e.g. 1,3 (default: all that route)', numbers)
    .option('--tokens-sample <share>', 'trace this share of the tokens, by seed', number(0), 1)
    .option('--repeat', 'trace twice: the same seed must give the same file')
    .option(
      '--compare [pairs]',
      'traced and untraced in pairs (20): what tracing costs',
      integer(1),
    )
    .option('--parquet', 'also write routing.parquet')
    .option('--timeout <seconds>', 'stop after this time', seconds)
    .option('--json', 'print the run id, metrics and findings as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  assay moe trace --model builtin:assay-tiny-moe --scheme int4-g128 \\\n' +
        '    --prompts builtin:assay-tiny/heldout.jsonl --prompt-count 16 --new-tokens 32',
    )
    .action(act(() => import('./commands/moe-trace.ts')));
  moe
    .command('validate')
    .description('is a routing trace whole and consistent? errors by line; exit 3 if not')
    .argument('<file>', 'JSON lines, also .gz, Parquet, or a run directory')
    .option('--generated <n>', 'tokens that were generated, to hold the rows against', integer(0))
    .option('--keep-dummies', 'count rows of profiling and warm-up as routes')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay moe validate moe_routes.jsonl')
    .action((file: string, options: Options) =>
      act(() => import('./commands/moe-validate.ts'))({ ...options, file }),
    );
  moe
    .command('analyze')
    .description('how evenly experts are used, by layer; of several traces, do they differ?')
    .argument('<file...>', 'traces, run directories, and timing files (no_log and log)')
    .option('--keep-dummies', 'count rows of profiling and warm-up as routes')
    .option('--by-request', 'in JSON, every request of every layer too')
    .option('--out <dir>', 'of MOE_REPORT.md and its charts (default: reports/moe/… in the lab)')
    .option('--no-report', 'print only; with --json this is so unless --out is given')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay moe analyze moe_routes.jsonl timing.json')
    .action((files: string[], options: Options) =>
      act(() => import('./commands/moe-analyze.ts'))({ ...options, files }),
    );
}
