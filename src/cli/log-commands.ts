/** The grammar of the commands about logs, and of the one that records a command. */
import type { Command } from 'commander';
import type { Act, Options } from './measuring-commands.ts';

export function addLogs(program: Command, act: Act): void {
  const logs = program.command('logs').description('what the logs of other programs say');
  logs
    .command('index')
    .description('find all logs, read them, write LOGS.md and logs.json')
    .argument('[dir]', 'where to look', '.')
    .option('--out <dir>', 'default: reports/logs in the lab')
    .option('--git', 'check whether a log was changed since it was first committed')
    .option('--fresh', 'read every log again, also those that have not changed')
    .option('--json', 'print the index as JSON')
    .addHelpText('after', '\nExample:\n  assay logs index .')
    .action((dir: string, options: Options) =>
      act(() => import('./commands/logs-index.ts'))({ ...options, dir }),
    );
  logs
    .command('show')
    .description('one log: what it is of, when, how it ended, its facts, each with its line')
    .argument('<file>', 'a log')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay logs show slurm-12041842.out')
    .action((file: string, options: Options) =>
      act(() => import('./commands/logs-show.ts'))({ ...options, file }),
    );
  program
    .command('exec')
    .description('run any command as a recorded run, and exit as it does')
    .argument('<command...>', 'behind `--`')
    .option('--name <name>', 'what the run is filed under (default: the program)')
    .option('--json', 'print the record as JSON; what the command prints goes to stderr')
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nExample:\n  assay exec --name quantize -- python3 quantize.py --bits 4',
    )
    .action((command: string[], options: Options) =>
      act(() => import('./commands/exec.ts'))({ ...options, command }),
    );
}
