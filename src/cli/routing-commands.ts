/** `assay moe …`: which experts a mixture-of-experts model sends its tokens to. */
import type { Command } from 'commander';
import type { Act, Options } from './measuring-commands.ts';
import { integer } from './option-values.ts';

export function addRouting(program: Command, act: Act): void {
  const moe = program.command('moe').description('routing of mixture-of-experts models');
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
