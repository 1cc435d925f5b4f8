/** The grammar of the commands that run models. */
import { type Command, Option } from 'commander';
import type { CommandIo } from './io.ts';
import { integer, number, seconds } from './option-values.ts';

export type Options = Record<string, unknown>;

/** Runs a command whose code is loaded when it is called. */
export type Act = (
  load: () => Promise<{ run(options: never, io: CommandIo): Promise<number> }>,
) => (options: Options) => Promise<void>;

export function addMeasuring(program: Command, act: Act): void {
  program
    .command('demo')
    .description('the quickstart experiment on the built-in model, then its report')
    .option('--fresh', 'measure again what is there already')
    .option('--no-charts', 'write the log without pictures')
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
    .option('--charts', 'draw all pictures, however many there are')
    .option('--no-charts', 'write the log without pictures')
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
export function withModel(command: Command, seed = 42): Command {
  return command
    .requiredOption('--model <ref>', 'directory, hub id, builtin:NAME or dummy:CONFIG.json')
    .option('--scheme <scheme>', 'how weights are stored, e.g. int4-g128', 'f32')
    .addOption(
      new Option('--activations <type>', 'int8: the fast path (W4A8, W8A8); f32: weight-only')
        .choices(['int8', 'f32'])
        .default('int8'),
    )
    .addOption(
      new Option('--device <name>', 'webgpu: on a GPU or not at all')
        .choices(['cpu', 'webgpu'])
        .default('cpu'),
    )
    .option('--threads <n>', 'threads of the runtime (default: physical cores)', integer(1))
    .option('--ignore <glob...>', 'tensors to leave unquantized beside the defaults')
    .option('--seed <n>', 'seed of resampling, sampling and dummy weights', integer(0), seed);
}

function addEval(program: Command, act: Act): void {
  withModel(program.command('eval'))
    .description('quality of one model at one scheme: over a text, or over a labelled set')
    .option('--corpus <file>', '.txt (one document) or .jsonl (rows: text or input_ids)')
    .option('--task <file>', '.jsonl: text and label, or context, choices and answer')
    .addOption(
      new Option(
        '--method <name>',
        'of a task (default: head of a classifier, likelihood for choices, else generation)',
      ).choices(['generation', 'likelihood', 'head']),
    )
    .option('--prompt <template>', 'of a task: {text} or {context} (default: "{text}")')
    .option('--continuation <template>', 'of a task: {label} or {choice} (default: " {label}")')
    .addOption(
      new Option(
        '--budget <name>',
        'scored tokens of a corpus: 2,000 / 500,000 / all (default: "standard")',
      ).choices(['smoke', 'standard', 'extended']),
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
        '    --corpus builtin:assay-tiny/heldout.jsonl --budget smoke\n' +
        "  assay eval --model builtin:assay-tiny --prompt $'request: {text}\\nintent:' \\\n" +
        "    --task builtin:assay-tiny/intents.jsonl --continuation $' {label}\\n'",
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
