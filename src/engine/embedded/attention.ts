/** Self-attention over a KV cache, by ONNX Runtime's GroupQueryAttention. */
import type { Architecture } from './architecture.ts';
import type { BlockContext } from './block.ts';
import { queryKeyNorm } from './norm.ts';
import { attentionRotates, rotate } from './rotary.ts';

/** The kernel wants heads of a multiple of 8: others are padded with zeros inside the graph. */
export function cachedHeadDim(arch: Architecture): number {
  return Math.ceil(arch.headDim / 8) * 8;
}

export const pastName = (layer: number, part: 'key' | 'value'): string => `past.${layer}.${part}`;
export const presentName = (layer: number, part: 'key' | 'value'): string =>
  `present.${layer}.${part}`;

interface Projected {
  readonly q: string;
  /** '' with `v` ''  where q holds [q | k | v]. */
  readonly k: string;
  readonly v: string;
}

/** x [T, hidden] → [T, hidden]; adds the layer's past inputs and present outputs to the graph. */
export function attention(context: BlockContext, x: string, layer: number): string {
  const { graph, arch, weights, sequence } = context;
  const names = arch.names.layer(layer);
  const inside = attentionRotates(arch);
  const padded = cachedHeadDim(arch);
  let { q, k, v } = threeDimensional(context, project(context, x, layer));
  if (arch.rope !== null && !inside) {
    q = rotate(context, q, arch.heads);
    k = rotate(context, k, arch.kvHeads);
  }
  if (padded !== arch.headDim) {
    q = padHeads(context, q, arch.heads);
    k = padHeads(context, k, arch.kvHeads);
    v = padHeads(context, v, arch.kvHeads);
  }
  const parts = ['key', 'value'] as const;
  const past = parts.map((part) =>
    graph.input(pastName(layer, part), weights.float, ['batch', arch.kvHeads, 'past', padded]),
  );
  const present = parts.map((part) =>
    graph.output(presentName(layer, part), weights.float, ['batch', arch.kvHeads, 'kept', padded]),
  );
  const [mixed] = graph.microsoftMany(
    'GroupQueryAttention',
    [q, k, v, ...past, sequence.lastIndex, sequence.total, ...(inside ? sequence.tables! : [])],
    {
      num_heads: arch.heads,
      kv_num_heads: arch.kvHeads,
      scale: { float: arch.attention.scales[layer]! },
      do_rotary: inside ? 1 : 0,
      rotary_interleaved: 0,
      local_window_size: arch.attention.windows[layer] ?? -1,
    },
    { outputs: [graph.fresh('attention'), ...present] },
  );
  const output = cutHeads(context, mixed!, padded);
  return weights.linear(output, names.o, arch.attention.outputBias);
}

/** q, k and v, each [T, heads × headDim]; packed into q where the kernel can take them so. */
function project(context: BlockContext, x: string, layer: number): Projected {
  const { graph, arch, weights } = context;
  const names = arch.names.layer(layer);
  const { bias, projection } = arch.attention;
  if (projection === 'separate') {
    const together =
      arch.attention.qkNorm === null ? weights.fused(x, [names.q, names.k, names.v], bias) : null;
    if (together !== null) return unpack(context, together);
    const q = weights.linear(x, names.q, bias);
    const k = weights.linear(x, names.k, bias);
    return {
      q: queryKeyNorm(context, q, { name: names.qNorm, heads: arch.heads }),
      k: queryKeyNorm(context, k, { name: names.kNorm, heads: arch.kvHeads }),
      v: weights.linear(x, names.v, bias),
    };
  }
  const packed = weights.linear(x, names.qkv, bias);
  const { heads, headDim } = arch;
  if (projection === 'fused-per-head') {
    const apart = graph.split(graph.reshape(packed, [-1, heads, 3 * headDim]), [
      headDim,
      headDim,
      headDim,
    ]);
    const [q, k, v] = apart.map((part) => graph.reshape(part, [-1, heads * headDim]));
    return { q: q!, k: k!, v: v! };
  }
  return unpack(context, packed);
}

/** [q | k | v] as it is where the kernel takes it so, else in three. */
function unpack({ graph, arch }: BlockContext, packed: string): Projected {
  const { heads, kvHeads, headDim } = arch;
  const untouched = headDim % 8 === 0 && (arch.rope === null || attentionRotates(arch));
  if (untouched) return { q: packed, k: '', v: '' };
  const keys = kvHeads * headDim;
  const [q, k, v] = graph.split(packed, [heads * headDim, keys, keys]);
  return { q: q!, k: k!, v: v! };
}

/** [T, n] → [B, S, n], which is what the attention kernels take. */
function threeDimensional(context: BlockContext, parts: Projected): Projected {
  const { graph, sequence } = context;
  const shaped = (x: string): string => (x === '' ? '' : graph.op('Reshape', [x, sequence.shape]));
  return { q: shaped(parts.q), k: shaped(parts.k), v: shaped(parts.v) };
}

/** Zeros behind every head: they add nothing to q·k, and nothing comes out of them. */
function padHeads(context: BlockContext, x: string, heads: number): string {
  const { graph, arch, sequence } = context;
  const by = cachedHeadDim(arch) - arch.headDim;
  const apart = graph.reshape(x, [-1, heads, arch.headDim]);
  const wide = graph.op('Pad', [apart, graph.i64([0, 0, 0, 0, 0, by])]);
  return graph.op('Reshape', [wide, sequence.shape]);
}

/** [B, S, heads × padded] → [T, heads × headDim]. */
function cutHeads(context: BlockContext, x: string, padded: number): string {
  const { graph, arch } = context;
  const { heads, headDim } = arch;
  if (padded === headDim) return graph.reshape(x, [-1, heads * headDim]);
  const apart = graph.reshape(x, [-1, heads, padded]);
  const range = [graph.i64([0]), graph.i64([headDim]), graph.i64([2])];
  return graph.reshape(graph.op('Slice', [apart, ...range]), [-1, heads * headDim]);
}
