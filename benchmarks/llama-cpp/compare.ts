/**
 * Decode speed of Assay's engine against llama.cpp, on the same weights, threads, prompts and
 * numbers of tokens. First it is shown that both compute the same function; then both generate in
 * turn, round after round, in processes of their own.
 * Usage: npm run build && npm install --omit=optional --prefix benchmarks/llama-cpp
 *        npx tsx benchmarks/llama-cpp/compare.ts
 *        [--rounds N] [--threads N] [--only f32,int8,int4] [--batches 1,8] [--without-proof]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import { dummySource } from '../../src/engine/embedded/dummy.ts';
import { physicalCores } from '../../src/engine/embedded/runtime.ts';
import { dummyConfig, MODEL_136M, promptOf } from '../dummy-model.ts';
import { printMachine, watchOthers } from '../machine.ts';
import type { GgmlType } from './gguf.ts';
import { writeLlamaGguf } from './llama-gguf.ts';
import { proveSame } from './proof.ts';
import { medianOf, pairedRatio } from './rates.ts';
import { type GenerateCommand, Side } from './side.ts';

interface Pairing {
  readonly name: 'f32' | 'int8' | 'int4';
  readonly scheme: string;
  readonly matrices: GgmlType;
  /** The type of llama.cpp's output head; Assay keeps its own in f32. */
  readonly head: GgmlType;
}

const PAIRINGS: readonly Pairing[] = [
  { name: 'f32', scheme: 'f32', matrices: 'F32', head: 'F32' },
  { name: 'int8', scheme: 'int8-g128', matrices: 'Q8_0', head: 'F32' },
  { name: 'int8', scheme: 'int8-g128', matrices: 'Q8_0', head: 'Q8_0' },
  { name: 'int4', scheme: 'int4-g128', matrices: 'Q4_0', head: 'F32' },
  { name: 'int4', scheme: 'int4-g32', matrices: 'Q4_0', head: 'F32' },
  { name: 'int4', scheme: 'int4-g32', matrices: 'Q4_0', head: 'Q8_0' },
];

const PROMPT_TOKENS = 32;
const NEW_TOKENS = 33;
const LARGEST_BATCH = 8;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    threads: { type: 'string', default: String(physicalCores()) },
    only: { type: 'string', default: 'f32,int8,int4' },
    batches: { type: 'string', default: `1,${LARGEST_BATCH}` },
    'without-proof': { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const batches = values.batches.split(',').map(Number);
const only = values.only.split(',');
const config = dummyConfig();
const arch = describeArchitecture(MODEL_136M);
const source = dummySource(arch, { dtype: 'BF16', seed: 0 });
const folder = import.meta.dirname;

function ggufOf({ matrices, head }: Pick<Pairing, 'matrices' | 'head'>): string {
  const path = join(config.folder, `${matrices}-${head}.gguf`);
  writeLlamaGguf(path, { arch, source, matrices, head });
  return path;
}

function startAssay(scheme: string): Promise<Side> {
  return Side.start(join(folder, 'assay-side.ts'), [config.path, scheme, values.threads]);
}

function startLlama(gguf: string, arithmetic: 'usual' | 'exact'): Promise<Side> {
  const sizes = [values.threads, String(LARGEST_BATCH), '256'];
  return Side.start(join(folder, 'llama-side.ts'), [gguf, arithmetic, ...sizes]);
}

/** Generated tokens per second after the first, of all rows together. */
async function decodeRate(side: Side, command: GenerateCommand): Promise<number> {
  const { prefillMs, endMs } = await side.generate(command);
  return (1000 * command.prompts.length * (command.newTokens - 1)) / (endMs - prefillMs);
}

async function measure(pairing: Pairing): Promise<void> {
  const ours = await startAssay(pairing.scheme);
  const theirs = await startLlama(ggufOf(pairing), 'usual');
  console.log(
    `\n${pairing.name}: Assay ${pairing.scheme} (${await ours.about()}), head F32 | ` +
      `${pairing.matrices} (${await theirs.about()}), head ${pairing.head}`,
  );
  for (const batch of batches) {
    const prompts = Array.from({ length: batch }, (_, row) => promptOf(row + 1, PROMPT_TOKENS));
    const contenders = [
      { name: 'Assay', side: ours, through: 'api', rates: [] as number[] },
      { name: 'node-llama-cpp', side: theirs, through: 'api', rates: [] as number[] },
      { name: 'llama.cpp, batch calls', side: theirs, through: 'binding', rates: [] as number[] },
    ] as const;
    const othersShare = watchOthers();
    // Round −1 warms up. The order turns, so that nobody always runs behind the same neighbour.
    for (let round = -1; round < rounds; round++) {
      for (let turn = 0; turn < contenders.length; turn++) {
        const { side, through, rates } = contenders[(round + 1 + turn) % contenders.length]!;
        const rate = await decodeRate(side, { prompts, newTokens: NEW_TOKENS, through });
        if (round >= 0) rates.push(rate);
      }
    }
    const others = (100 * othersShare()).toFixed(1);
    console.log(`  batch ${batch}, n = ${rounds} rounds; others took ${others} % of the CPU time`);
    for (const { name, rates } of contenders) {
      const { value, low, high } = pairedRatio(contenders[0].rates, rates);
      const least = Math.min(...rates).toFixed(0);
      const most = Math.max(...rates).toFixed(0);
      const interval = `[${low.toFixed(2)}, ${high.toFixed(2)}]`;
      const ratio = `Assay is ${value.toFixed(2)} ${interval} × as fast`;
      console.log(
        `    ${name.padEnd(24)} median ${medianOf(rates).toFixed(0).padStart(4)} tokens/s ` +
          `(${least} … ${most})${name === 'Assay' ? '' : `; ${ratio}`}`,
      );
    }
  }
  ours.stop();
  theirs.stop();
}

try {
  printMachine();
  console.log(
    `${rounds} rounds, ${values.threads} threads each, ${PROMPT_TOKENS} prompt tokens, ` +
      `${NEW_TOKENS - 1} decode steps, greedy, 136 M parameters`,
  );
  const prompt = promptOf(1, PROMPT_TOKENS);
  if (!values['without-proof']) await proveSame({ startAssay, startLlama, ggufOf, prompt });
  for (const pairing of PAIRINGS) if (only.includes(pairing.name)) await measure(pairing);
} finally {
  config.remove();
}
