/**
 * Compares the GPU's attention with the CPU's before a model is trusted to it. There is cause: the
 * fused kernel that ONNX Runtime 1.30 takes from 32 tokens on gives wrong sums on adapters with
 * subgroups smaller than it expects (llvmpipe: 4, 8 or 16), and nothing says so. A model would
 * still speak, only worse.
 */
import { EngineError } from '../../record/errors.ts';
import type { Architecture } from './architecture.ts';
import { cachedHeadDim } from './attention.ts';
import { GraphBuilder } from './graph.ts';
import { DATA_TYPE } from './onnx.ts';
import { createSession, float32, type Runtime, runSession, type Tensor } from './runtime.ts';

const TOKENS = 80;
/** Of the largest value; f32 sums in another order differ by 1e-6, a wrong kernel by ≥ 0.1. */
const TOLERANCE = 1e-3;

/** Largest difference of 80 tokens' attention, as a share of the largest value. */
export async function attentionDifference(
  ort: Runtime,
  shape: { heads: number; kvHeads: number; headDim: number },
): Promise<number> {
  const graph = attentionGraph(shape);
  const feeds = attentionFeeds(ort, shape);
  const results: Float32Array[] = [];
  for (const device of ['cpu', 'webgpu'] as const) {
    const named = { name: 'attention check', bytes: graph };
    const session = await createSession(ort, named, { threads: 1, folder: null, device });
    const { y } = await runSession(session, feeds, ['y']);
    results.push((y!.data as Float32Array).slice());
    await session.release();
  }
  const [cpu, gpu] = results as [Float32Array, Float32Array];
  let most = 0;
  let largest = 0;
  cpu.forEach((value, i) => {
    const off = Math.abs(value - gpu[i]!);
    // Written so that NaN counts as a difference.
    if (!(off <= most)) most = off;
    largest = Math.max(largest, Math.abs(value));
  });
  return most / largest;
}

/** @throws EngineError where the two differ by more than rounding explains */
export async function checkAttention(ort: Runtime, arch: Architecture): Promise<void> {
  const { heads, kvHeads } = arch;
  const shape = { heads, kvHeads, headDim: cachedHeadDim(arch) };
  const difference = await attentionDifference(ort, shape);
  if (difference <= TOLERANCE) return;
  throw new EngineError(
    `this WebGPU adapter computes attention wrongly: ${TOKENS} tokens differ from the CPU's by ` +
      `${difference.toPrecision(2)} of the largest value`,
    {
      hint: 'Software adapters (llvmpipe) do: use a GPU with its own driver, or --device cpu.',
      details: { device: 'webgpu', difference, tolerance: TOLERANCE, ...shape },
    },
  );
}

interface Shape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

function attentionGraph({ heads, kvHeads, headDim }: Shape): Uint8Array {
  const graph = new GraphBuilder();
  const f32 = DATA_TYPE.f32;
  const input = (name: string, count: number): string =>
    graph.input(name, f32, [1, TOKENS, count * headDim]);
  const qkv = [input('q', heads), input('k', kvHeads), input('v', kvHeads)];
  const past = ['past.key', 'past.value'].map((name) =>
    graph.input(name, f32, [1, kvHeads, 'past', headDim]),
  );
  const last = graph.constant('last', DATA_TYPE.i32, [1], Int32Array.of(TOKENS - 1));
  const total = graph.constant('total', DATA_TYPE.i32, [], Int32Array.of(TOKENS));
  graph.microsoftMany(
    'GroupQueryAttention',
    [...qkv, ...past, last, total],
    { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 0, local_window_size: -1 },
    { outputs: ['y', 'present.key', 'present.value'] },
  );
  graph.output('y', f32, [1, TOKENS, heads * headDim]);
  for (const name of ['present.key', 'present.value']) {
    graph.output(name, f32, [1, kvHeads, 'kept', headDim]);
  }
  return graph.build();
}

/** Values without a pattern and peaked weights, so that no mistake averages out. */
function attentionFeeds(ort: Runtime, shape: Shape): Record<string, Tensor> {
  const { heads, kvHeads, headDim } = shape;
  const noise = (count: number, phase: number): Tensor => {
    const size = TOKENS * count * headDim;
    const values = Float32Array.from(
      { length: size },
      (_, i) => 3 * Math.sin(0.37 * i * i + phase),
    );
    return float32(ort, values, [1, TOKENS, count * headDim]);
  };
  const empty = float32(ort, new Float32Array(0), [1, kvHeads, 0, headDim]);
  return {
    ...{ q: noise(heads, 0), k: noise(kvHeads, 1), v: noise(kvHeads, 2) },
    ...{ 'past.key': empty, 'past.value': empty },
  };
}
