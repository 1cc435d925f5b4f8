/** Shows that the GGUF files hold the model that Assay runs, before anybody's speed is compared. */
import type { GgmlType } from './gguf.ts';
import type { Side } from './side.ts';

export interface ProofOptions {
  startAssay(scheme: string): Promise<Side>;
  startLlama(gguf: string, arithmetic: 'usual' | 'exact'): Promise<Side>;
  ggufOf(types: { matrices: GgmlType; head: GgmlType }): string;
  readonly prompt: readonly number[];
}

const NEW_TOKENS = 64;
/** Two f32 programs that add in another order differ by some 1e-5; another function by 0.1. */
const F32_BOUND = 1e-4;

/**
 * f32: the same greedy tokens, and log-probabilities of a text within 1e-4; else it throws. The
 * quantized files follow other rules than Assay's schemes, so that only their distances from f32
 * can be set side by side.
 */
export async function proveSame(options: ProofOptions): Promise<void> {
  const { startAssay, startLlama, ggufOf, prompt } = options;
  const assay = await startAssay('f32');
  const llama = await startLlama(ggufOf({ matrices: 'F32', head: 'F32' }), 'exact');
  const request = { prompts: [prompt], newTokens: NEW_TOKENS } as const;
  const ours = (await assay.generate({ ...request, through: 'api' })).ids[0]!;
  for (const through of ['api', 'binding'] as const) {
    const theirs = (await llama.generate({ ...request, through })).ids[0]!;
    const equal = ours.findIndex((id, index) => id !== theirs[index]);
    if (equal >= 0) throw new Error(`f32: the greedy texts part at token ${equal}`);
  }
  const text = { ids: [...prompt, ...ours], scoreFrom: 1 };
  const truth = (await assay.score(text)).logp;
  const far = distance(truth, (await llama.score(text)).logp);
  assay.stop();
  llama.stop();
  console.log(
    `f32: ${NEW_TOKENS} of ${NEW_TOKENS} greedy tokens equal; log p of ${truth.length} tokens ` +
      `differs by at most ${far.largest.toExponential(1)}`,
  );
  if (!(far.largest < F32_BOUND)) throw new Error('f32: the two compute different functions');
  const quantized: [string, Promise<Side>][] = [
    ...['int8-g128', 'int4-g128', 'int4-g32'].map((scheme): [string, Promise<Side>] => [
      `Assay ${scheme}`,
      startAssay(scheme),
    ]),
    ...(['Q8_0', 'Q4_0'] as const).map((matrices): [string, Promise<Side>] => [
      `llama.cpp ${matrices}`,
      startLlama(ggufOf({ matrices, head: 'F32' }), 'exact'),
    ]),
  ];
  for (const [name, starting] of quantized) {
    const side = await starting;
    const { mean, largest } = distance(truth, (await side.score(text)).logp);
    side.stop();
    const digits = `mean ${mean.toFixed(3)}, largest ${largest.toFixed(3)}`;
    console.log(`${name.padEnd(18)} |log p − log p of f32|: ${digits}`);
  }
}

function distance(a: readonly number[], b: readonly number[]): { mean: number; largest: number } {
  const far = a.map((value, index) => Math.abs(value - b[index]!));
  return {
    mean: far.reduce((sum, value) => sum + value, 0) / far.length,
    largest: Math.max(...far),
  };
}
