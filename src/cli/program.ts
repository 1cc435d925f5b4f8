/** The command line's grammar. Each command's code is loaded when it is run. */
import { Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../record/errors.ts';
import type { CommandIo } from './io.ts';
import { packageVersion } from './package.ts';

/** Help or version was printed: the command line is done. */
export class HelpShown extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super('help');
    this.exitCode = exitCode;
  }
}

type SetExitCode = (code: number) => void;
type Options = Record<string, unknown>;

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
  addMachine(program, act);
  configure(program, io);
  return program;
}

type Act = (
  load: () => Promise<{ run(options: never, io: CommandIo): Promise<number> }>,
) => (options: Options) => Promise<void>;

function addMeasuring(program: Command, act: Act): void {
  program
    .command('demo')
    .description('the quickstart experiment on the built-in model, then its report')
    .option('--fresh', 'measure again what is there already')
    .option('--json', 'print results as JSON')
    .addHelpText('after', '\nExample:\n  assay demo')
    .action(act(() => import('./commands/demo.ts')));
  program
    .command('init')
    .description('write a commented experiment file')
    .argument('[file]', 'where to write it', 'experiment.yaml')
    .option('--json', 'print the path as JSON')
    .addHelpText('after', '\nExample:\n  assay init && assay run experiment.yaml')
    .action((file: string, options: Options) =>
      act(() => import('./commands/init.ts'))({ ...options, file }),
    );
  program
    .command('run')
    .description('run what is missing of an experiment, then write its report')
    .argument('<experiment>', 'YAML file')
    .option('--dry-run', 'check everything, show the cells and an estimate, run nothing')
    .option('--only <text...>', 'only cells whose name contains one of these')
    .option('--fresh', 'measure again what is there already')
    .option('--json', 'print results as JSON')
    .addHelpText('after', '\nExample:\n  assay run examples/quickstart.yaml --only int4')
    .action((file: string, options: Options) =>
      act(() => import('./commands/run.ts'))({ ...options, file }),
    );
  addEval(program, act);
  addBench(program, act);
  addGenerate(program, act);
}

/** Options that choose a model and how it is held. */
function withModel(command: Command): Command {
  return command
    .requiredOption('--model <ref>', 'directory, hub id, builtin:NAME or dummy:CONFIG.json')
    .option('--scheme <scheme>', 'how weights are stored, e.g. int4-g128', 'f32')
    .addOption(
      new Option('--activations <type>', 'int8: the fast path (W4A8, W8A8); f32: weight-only')
        .choices(['int8', 'f32'])
        .default('int8'),
    )
    .option('--threads <n>', 'threads of the runtime (default: physical cores)', integer(1))
    .option('--ignore <glob...>', 'tensors to leave unquantized beside the defaults')
    .option('--seed <n>', 'seed of resampling, sampling and dummy weights', integer(0), 42);
}

function addEval(program: Command, act: Act): void {
  withModel(program.command('eval'))
    .description('loss, perplexity, accuracy, calibration of one model at one scheme')
    .requiredOption('--corpus <file>', '.txt (one document) or .jsonl (rows: text or input_ids)')
    .addOption(
      new Option('--budget <name>', 'scored tokens: 2,000 / 500,000 / all')
        .choices(['smoke', 'standard', 'extended'])
        .default('standard'),
    )
    .option(
      '--context <n>',
      'tokens a window holds (default: the model’s, at most 2048)',
      integer(2),
    )
    .option('--stride <n>', 'tokens between windows (default: half the context)', integer(1))
    .option('--batch-tokens <n>', 'tokens of a micro-batch', integer(1), 2048)
    .option('--timeout <seconds>', 'stop the evaluation after this time', seconds)
    .option('--check-repeat', 'score some batches twice and compare the bits')
    .option('--fresh', 'do not take over rows of an interrupted attempt')
    .option('--json', 'print the run id, metrics and findings as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  assay eval --model builtin:assay-tiny --scheme int4-g128 \\\n' +
        '    --corpus builtin:assay-tiny/heldout.jsonl --budget smoke',
    )
    .action(act(() => import('./commands/eval.ts')));
}

/** Numbers are checked together with all else, so that every problem is told at once. */
function addBench(program: Command, act: Act): void {
  withModel(program.command('bench'))
    .description('latency, throughput and memory of one model at one scheme, by batch size')
    .option('--batch-sizes <list>', 'e.g. 1,4,8', (text) => text.split(',').map(Number), [1])
    .option('--runs <n>', 'measured iterations of each batch size', Number, 100)
    .option('--warmup <n>', 'iterations before them: recorded, in no figure', Number, 10)
    .option('--rounds <n>', 'rounds over all batch sizes; 10 or more give intervals', Number, 10)
    .option('--prompt-tokens <n>', 'length of prompts drawn at random (default: 64)', Number)
    .option('--new-tokens <n>', 'tokens to generate for each prompt', Number, 32)
    .option('--prompts <file>', '.txt (one a line) or .jsonl (text, prompt or input_ids)')
    .option('--prompt-count <n>', 'different prompts, of a file by length', Number, 32)
    .option('--cold-starts <n>', 'fresh processes, at the smallest batch size', Number, 3)
    .option('--timeout <seconds>', 'stop a batch size after this time', seconds)
    .option('--fresh', 'do not take over rounds of an interrupted attempt')
    .option('--json', 'print run ids, metrics and findings as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  assay bench --model builtin:assay-tiny --scheme int4-g128 --batch-sizes 1,4,8',
    )
    .action(act(() => import('./commands/bench.ts')));
}

function addGenerate(program: Command, act: Act): void {
  withModel(program.command('generate'))
    .description('continue a prompt, streaming')
    .requiredOption('--prompt <text...>', 'one or more prompts: several make one batch')
    .option('--chat', 'put the prompt through the model’s own chat template')
    .option('--max-tokens <n>', 'at most this many new tokens', integer(1), 64)
    .option('--temperature <t>', '0 is greedy', number(0), 0)
    .option('--top-k <n>', 'sample among the k most likely', integer(1))
    .option('--top-p <p>', 'sample among the most likely that sum to p', number(0))
    .option('--stop <text...>', 'end at one of these texts')
    .option('--json', 'print token ids and texts as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  assay generate --model builtin:assay-tiny --prompt "In the village"',
    )
    .action(act(() => import('./commands/generate.ts')));
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
  for (const child of command.commands) configure(child, io);
}

function commandPath(command: Command): string {
  return command.parent ? `${commandPath(command.parent)} ${command.name()}` : command.name();
}

function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least && value <= 2 ** 32 - 1) return value;
    throw new InvalidArgumentError(`a whole number of at least ${least} is needed.`);
  };
}

function number(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
    throw new InvalidArgumentError(`a number of at least ${least} is needed.`);
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('a positive number of seconds is needed.');
}
