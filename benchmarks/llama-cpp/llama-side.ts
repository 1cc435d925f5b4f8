/**
 * node-llama-cpp as a side. Arguments: GGUF file, `usual` or `exact`, threads, sequences, context
 * per sequence. `exact`: keys, values and attention in f32; by default they are f16 in part.
 */
import { performance } from 'node:perf_hooks';
import { type LlamaSequence, startLlama } from './node-llama-cpp.ts';
import { type GenerateCommand, type Generated, type Scored, serveSide } from './side.ts';

const [modelPath, arithmetic, ...numbers] = process.argv.slice(2) as [string, string, ...string[]];
const [threads, sequences, contextSize] = numbers.map(Number) as [number, number, number];
const llama = await startLlama(threads);
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({
  sequences,
  contextSize,
  batchSize: 512,
  ...(arithmetic === 'exact' && {
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  }),
  // At least, too: it would take fewer where it thinks that others compute.
  threads: { ideal: threads, min: threads },
});
const held: LlamaSequence[] = Array.from({ length: sequences }, () => context.getSequence());
const sampler = new llama._bindings.AddonSampler(model._model);
sampler.applyConfig({ temperature: 0 });

async function generateByApi({ prompts, newTokens }: GenerateCommand): Promise<Generated> {
  for (const sequence of held) await sequence.clearHistory();
  const start = performance.now();
  let prefillMs = 0;
  const row = async (prompt: readonly number[], index: number): Promise<number[]> => {
    const ids: number[] = [];
    const options = { temperature: 0, yieldEogToken: true };
    for await (const id of held[index]!.evaluate([...prompt], options)) {
      if (ids.push(id) === 1) prefillMs = performance.now() - start;
      if (ids.length === newTokens) break;
    }
    return ids;
  };
  const ids = await Promise.all(prompts.map(row));
  return { ids, prefillMs, endMs: performance.now() - start };
}

/** The calls that the package's scheduler makes, without the scheduler: one batch a step. */
async function generateByBinding({ prompts, newTokens }: GenerateCommand): Promise<Generated> {
  for (const sequence of held) await sequence.clearHistory();
  const { _ctx: native } = context;
  const start = performance.now();
  const ids = prompts.map((): number[] => []);
  const step = async (inputs: readonly (readonly number[])[], at: number): Promise<void> => {
    native.initBatch(inputs.reduce((sum, input) => sum + input.length, 0));
    const logitIndexes = inputs.map((input, row) => {
      const last = Uint32Array.of(input.length - 1);
      return native.addToBatch(row, at, Uint32Array.from(input), last)[0]!;
    });
    await native.decodeBatch();
    for (const [row, index] of logitIndexes.entries()) {
      ids[row]!.push(await native.sampleToken(index, sampler));
    }
  };
  const width = prompts[0]!.length;
  if (prompts.some((prompt) => prompt.length !== width)) throw new Error('prompts must be equal');
  await step(prompts, 0);
  const prefillMs = performance.now() - start;
  for (let done = 1; done < newTokens; done++) {
    await step(
      ids.map((row) => [row.at(-1)!]),
      width + done - 1,
    );
  }
  const endMs = performance.now() - start;
  for (let row = 0; row < prompts.length; row++) native.disposeSequence(row);
  return { ids, prefillMs, endMs };
}

async function score(ids: readonly number[], scoreFrom: number): Promise<Scored> {
  const [sequence] = held;
  await sequence!.clearHistory();
  // By default it keeps the 40 likeliest tokens only.
  const all = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const options = { generateNext: { logits: true, options: all } };
  const input = ids.slice(0, -1).map((id, i): [number, object] => {
    return [id, i >= scoreFrom - 1 ? options : {}];
  });
  const outputs = await sequence!.controlledEvaluate(input);
  const scored: Scored = { logp: [], best: [] };
  for (let i = scoreFrom - 1; i < input.length; i++) {
    const logits = outputs[i]!.next.logits!;
    let [best, top] = [-1, Number.NEGATIVE_INFINITY];
    for (const [id, logit] of logits) if (logit > top) [best, top] = [id, logit];
    let sum = 0;
    for (const logit of logits.values()) sum += Math.exp(logit - top);
    scored.logp.push(logits.get(ids[i + 1]!)! - top - Math.log(sum));
    scored.best.push(best);
  }
  return scored;
}

serveSide({
  about: () =>
    `llama.cpp ${llama.llamaCppRelease.release}, flash attention ${context.flashAttention}`,
  generate: (command) =>
    command.through === 'api' ? generateByApi(command) : generateByBinding(command),
  score: ({ ids, scoreFrom }) => score(ids, scoreFrom),
});
