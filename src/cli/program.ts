/** The command line's grammar. Each command's code is loaded when it is run. */
import { Command, type CommanderError, Option } from 'commander';
import { UsageError } from '../record/errors.ts';
import { addConverting } from './converting-commands.ts';
import { addEvidence } from './evidence-commands.ts';
import type { CommandIo } from './io.ts';
import { addLogs } from './log-commands.ts';
import { addLooking } from './looking-commands.ts';
import { type Act, addMeasuring, type Options } from './measuring-commands.ts';
import { packageVersion } from './package.ts';
import { addRouting } from './routing-commands.ts';

/** Help or version was printed: the command line is done. */
export class HelpShown extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super('help');
    this.exitCode = exitCode;
  }
}

type SetExitCode = (code: number) => void;

export function buildProgram(io: CommandIo, setExitCode: SetExitCode): Command {
  const program = new Command('assay')
    .description('What quantization costs a language model, measured and provable.')
    .version(packageVersion(), '-V, --version')
    .showHelpAfterError(false)
    .enablePositionalOptions()
    .addHelpText('after', '\nStart here: assay demo');
  const act =
    (load: () => Promise<{ run(options: never, io: CommandIo): Promise<number> }>) =>
    async (options: Options): Promise<void> => {
      const command = await load();
      setExitCode(await command.run(options as never, io));
    };
  addMeasuring(program, act);
  addRecords(program, act);
  addDecisions(program, runsOf(program), act);
  addEvidence(program, act);
  addLogs(program, act);
  addRouting(program, act);
  const weights = program.command('weights').description('checkpoints, tensor by tensor');
  addLooking(weights, act);
  addConverting(weights, act);
  addMachine(program, act);
  configure(program, io);
  return program;
}

function addRecords(program: Command, act: Act): void {
  const runs = program.command('runs').description('what was measured');
  runs
    .command('ls')
    .description('all runs of this lab')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay runs ls')
    .action(act(() => import('./commands/runs-ls.ts')));
  runs
    .command('show')
    .description('one run: configuration, metrics, findings, files')
    .argument('<run>', 'run id, or the end of one')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay runs show 20261120T053400Z-ab12cd')
    .action((run: string, options: Options) =>
      act(() => import('./commands/runs-show.ts'))({ ...options, run }),
    );
  program
    .command('report')
    .description('write EXPERIMENT_LOG.md, its evidence and summary.csv')
    .argument('[experiment]', 'default: the one that ran last')
    .option('--out <dir>', 'default: reports/<experiment> in the lab')
    .option('--charts', 'draw all pictures, however many there are')
    .option('--no-charts', 'write the log without pictures')
    .option('--json', 'print the paths and results as JSON')
    .addHelpText('after', '\nExample:\n  assay report quickstart')
    .action((experiment: string | undefined, options: Options) =>
      act(() => import('./commands/report.ts'))({ ...options, experiment }),
    );
  program
    .command('verify')
    .description('re-hash, recompute every metric, re-render every number of every document')
    .argument('[run...]', 'only these runs (default: everything)')
    .option('--head <sha256>', 'a seal that must still be there, kept elsewhere')
    .option('--json', 'print findings as JSON')
    .addHelpText('after', '\nExample:\n  assay verify')
    .action((runsWanted: string[], options: Options) =>
      act(() => import('./commands/verify.ts'))({ ...options, runs: runsWanted }),
    );
  program
    .command('explain')
    .description('run, file, rows and formula behind a number')
    .argument('<number>', 'a printed number like 8.85, or RUN:METRIC')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay explain 8.85')
    .action((wanted: string, options: Options) =>
      act(() => import('./commands/explain.ts'))({ ...options, wanted }),
    );
}

function addDecisions(program: Command, runs: Command, act: Act): void {
  program
    .command('compare')
    .description(
      'variants against the baseline run, best of the field, limits, cost, what to deploy',
    )
    .argument('[run...]', 'these runs, with the baselines of their experiments')
    .option('--experiment <name>', 'default: that of the runs, else the one that ran last')
    .option('--baseline <run>', 'the run that differences are relative to')
    .addOption(
      new Option(
        '--across <what>',
        'models: evaluations of other models too, in bits per byte',
      ).choices(['models']),
    )
    .option('--choose <limits>', 'p95_ms=50,perplexity_increase=2%,memory_gib=16, … as in the file')
    .option('--cost <prices>', 'on_demand=1.89,spot=0.60,utilization=60%: US dollars an hour')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay compare --choose p95_ms=50,perplexity_increase=2%')
    .action((wanted: string[], options: Options) =>
      act(() => import('./commands/compare.ts'))({ ...options, runs: wanted }),
    );
  runs
    .command('drift')
    .description('runs of one cell over time: bit-identical, within noise, or drifted')
    .argument('<run...>', 'two or more run ids, or ends of ids')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  assay runs drift 20261120T053400Z-ab12cd 20261121T090000Z-x7y8z9',
    )
    .action((wanted: string[], options: Options) =>
      act(() => import('./commands/runs-drift.ts'))({ ...options, runs: wanted }),
    );
}

function runsOf(program: Command): Command {
  return program.commands.find((command) => command.name() === 'runs') as Command;
}

function addMachine(program: Command, act: Act): void {
  program
    .command('doctor')
    .description('what this machine can do, and what to install for the rest')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  assay doctor')
    .action(act(() => import('./commands/doctor.ts')));
}

function configure(command: Command, io: CommandIo): void {
  command.exitOverride((error: CommanderError) => {
    if (error.exitCode === 0) throw new HelpShown(0);
    if (error.code === 'commander.help') throw new HelpShown(2);
    const hint = `see \`${commandPath(command)} --help\``;
    throw new UsageError(error.message.replace(/^error: /, '').replaceAll('\n', ' '), { hint });
  });
  command.configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    // Errors are reported once, in our own shape.
    outputError: () => {},
  });
  refuseRepeats(command);
  for (const child of command.commands) configure(child, io);
}

/** Of `--context 64 --context 32` the last would win in silence, and be measured. */
function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || option.variadic) continue;
    let given = 0;
    command.on(`option:${option.name()}`, () => {
      given += 1;
      if (given === 1) return;
      throw new UsageError(`${option.long} is given twice`, {
        hint: `see \`${commandPath(command)} --help\``,
      });
    });
  }
}

function commandPath(command: Command): string {
  return command.parent ? `${commandPath(command.parent)} ${command.name()}` : command.name();
}
