/** Rotary positions in the graph: inside GroupQueryAttention where it can, else before it. */
import { encodeF32 } from '../../weights/encode.ts';
import type { Architecture } from './architecture.ts';
import type { BlockContext } from './block.ts';
import type { GraphBuilder } from './graph.ts';
import { DATA_TYPE, type DataType } from './onnx.ts';
import { rotaryTables } from './rope.ts';

/**
 * GroupQueryAttention rotates by itself only for heads of a multiple of 16 and a multiple of
 * 8 rotated pairs (found by probing the CPU kernel; it refuses others when it runs).
 */
export function attentionRotates(arch: Architecture): boolean {
  return arch.rope !== null && arch.headDim % 16 === 0 && (arch.rope.rotaryDim / 2) % 8 === 0;
}

/** cos and sin, [maxPositions, rotaryDim / 2]: the width tells kernels the rotary dimension. */
export function rotaryConstants(
  graph: GraphBuilder,
  arch: Architecture,
  float: DataType,
): [string, string] | null {
  if (arch.rope === null) return null;
  const { cos, sin } = rotaryTables(arch.rope, arch.maxPositions);
  const dims = [arch.maxPositions, arch.rope.rotaryDim / 2];
  const stored = (values: Float32Array): ArrayBufferView =>
    float === DATA_TYPE.f16 ? encodeF32(values, 'F16') : values;
  return [
    graph.constant('rotary.cos', float, dims, stored(cos)),
    graph.constant('rotary.sin', float, dims, stored(sin)),
  ];
}

/** Rotates x [B, S, heads × headDim] by explicit positions. */
export function rotate(context: BlockContext, x: string, heads: number): string {
  const { graph, arch, sequence } = context;
  const { rotaryDim } = arch.rope!;
  return graph.microsoft('RotaryEmbedding', [x, sequence.positions, ...sequence.tables!], {
    interleaved: 0,
    num_heads: heads,
    // 0 stands for the whole head; the kernel refuses the head's own width here.
    rotary_embedding_dim: rotaryDim < arch.headDim ? rotaryDim : 0,
  });
}
