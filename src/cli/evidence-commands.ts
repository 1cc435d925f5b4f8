/** Commands that hold what is written against what is known: audit, claims, import. */
import type { Command } from 'commander';
import type { Act, Options } from './measuring-commands.ts';

export function addEvidence(program: Command, act: Act): void {
  const claims = program.command('claims').description('statements that logs can decide');
  claims
    .command('init')
    .description('propose claims from the logs of a directory')
    .argument('[dir]', 'default: this directory')
    .option('--out <file>', 'where to write them', 'claims.yaml')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay claims init logs/')
    .action((directory: string | undefined, options: Options) =>
      act(() => import('./commands/claims-init.ts'))({ ...options, directory }),
    );
  claims
    .command('check')
    .description('decide every claim, with its evidence')
    .argument('[file]', 'the claims', 'claims.yaml')
    .option('--logs <dir>', 'where the logs are (default: `logs:` of the file, or here)')
    .option('--out <dir>', 'also write LOGS.md with the verdicts there')
    .option('--json', 'verdicts as JSON')
    .addHelpText('after', '\nExample:\n  assay claims check --logs logs/')
    .action((file: string, options: Options) =>
      act(() => import('./commands/claims-check.ts'))({ ...options, file }),
    );
  program
    .command('audit')
    .description('recompute what a document, a table or a results file says')
    .argument('<file...>', 'Markdown, CSV or JSON; files given together are compared')
    .option('--logs <dir>', 'hold it against the logs in this directory')
    .option('--fix', 'print the corrected tables')
    .option('--json', 'findings as JSON')
    .addHelpText('after', '\nExample:\n  assay audit README.md')
    .action((files: string[], options: Options) =>
      act(() => import('./commands/audit.ts'))({ ...options, files }),
    );
  program
    .command('import')
    .description("other tools' results as runs that say whose numbers they hold")
    .argument('<file...>', 'JSON or CSV of vllm bench, lm-eval, llama-bench, GuideLLM, Locust, …')
    .option('--name <experiment>', 'the experiment that they go into', 'imported')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay import results.json')
    .action((files: string[], options: Options) =>
      act(() => import('./commands/import.ts'))({ ...options, files }),
    );
}
