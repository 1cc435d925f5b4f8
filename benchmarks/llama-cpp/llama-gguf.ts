/** A Llama checkpoint as llama.cpp wants it. */
import type { Architecture } from '../../src/engine/embedded/architecture.ts';
import { readF32 } from '../../src/weights/dtype.ts';
import { encodeF32 } from '../../src/weights/encode.ts';
import type { TensorSource } from '../../src/weights/source.ts';
import { encodeQ40, encodeQ80 } from './ggml-blocks.ts';
import { type GgmlType, type GgufTensor, type GgufValue, writeGguf } from './gguf.ts';

export interface LlamaGgufOptions {
  readonly arch: Architecture;
  readonly source: TensorSource;
  /** Of the matrices of the blocks. */
  readonly matrices: GgmlType;
  /** Of the output head. */
  readonly head: GgmlType;
}

const ENCODE: Readonly<Record<GgmlType, (values: Float32Array) => Uint8Array>> = {
  F32: (values) => encodeF32(values, 'F32'),
  F16: (values) => encodeF32(values, 'F16'),
  Q8_0: encodeQ80,
  Q4_0: encodeQ40,
};

/** `general.file_type` (llama_ftype). */
const FILE_TYPE: Readonly<Record<GgmlType, number>> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7 };

/**
 * Hugging Face rotates a head's dimension i with i + half, llama.cpp 2i with 2i + 1: row
 * `half × part + i` of a head becomes row 2i + part.
 */
export function interleaveHeads(
  values: Float32Array,
  { heads, headDim, cols }: { heads: number; headDim: number; cols: number },
): Float32Array {
  const out = new Float32Array(values.length);
  const half = headDim / 2;
  for (let row = 0; row < heads * headDim; row++) {
    const inHead = row % headDim;
    const to = row - inHead + 2 * (inHead % half) + (inHead < half ? 0 : 1);
    out.set(values.subarray(row * cols, (row + 1) * cols), to * cols);
  }
  return out;
}

/**
 * A vocabulary of SentencePiece's shape that names every id and can spell any text by its bytes;
 * the comparison feeds ids and reads ids, so that no word of it matters.
 */
function vocabulary(size: number): Record<string, GgufValue> {
  const texts = Array.from({ length: size }, (_, id) => {
    if (id < 3) return ['<unk>', '<s>', '</s>'][id]!;
    if (id < 259) return `<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>`;
    return `▁token${id}`;
  });
  const [normal, unknown, control, byte] = [1, 2, 3, 6];
  const types = Int32Array.from(texts, (_, id) => {
    if (id === 0) return unknown;
    return id < 3 ? control : id < 259 ? byte : normal;
  });
  return {
    'tokenizer.ggml.model': { text: 'llama' },
    'tokenizer.ggml.tokens': { texts },
    'tokenizer.ggml.scores': { f32s: Float32Array.from(texts, (_, id) => -id) },
    'tokenizer.ggml.token_type': { i32s: types },
    'tokenizer.ggml.unknown_token_id': { u32: 0 },
    'tokenizer.ggml.bos_token_id': { u32: 1 },
    'tokenizer.ggml.eos_token_id': { u32: 2 },
  };
}

function metadata({ arch, matrices }: LlamaGgufOptions): Record<string, GgufValue> {
  return {
    'general.architecture': { text: 'llama' },
    'general.name': { text: 'comparison' },
    'general.file_type': { u32: FILE_TYPE[matrices] },
    'general.quantization_version': { u32: 2 },
    'llama.vocab_size': { u32: arch.vocabSize },
    'llama.context_length': { u32: arch.maxPositions },
    'llama.embedding_length': { u32: arch.hiddenSize },
    'llama.block_count': { u32: arch.layers },
    'llama.feed_forward_length': { u32: arch.intermediateSize },
    'llama.attention.head_count': { u32: arch.heads },
    'llama.attention.head_count_kv': { u32: arch.kvHeads },
    'llama.attention.layer_norm_rms_epsilon': { f32: arch.epsilon },
    'llama.rope.dimension_count': { u32: arch.headDim },
    'llama.rope.freq_base': { f32: arch.rope!.theta },
    ...vocabulary(arch.vocabSize),
  };
}

/** @throws Error for anything but a plain Llama, which this benchmark does not need */
export function writeLlamaGguf(path: string, options: LlamaGgufOptions): void {
  const { arch, source, matrices, head } = options;
  const plain = arch.className === 'LlamaForCausalLM' && arch.rope?.scaling.type === 'default';
  if (!plain || arch.tied || arch.attention.bias || arch.mlp.bias) {
    throw new Error(`${arch.className}: only an untied Llama without biases is written as GGUF`);
  }
  const tensor = (name: string, from: string, type: GgmlType, heads = 0): GgufTensor => {
    const { shape } = source.info(`${from}.weight`);
    const data = (): Uint8Array => {
      const values = readF32(source, `${from}.weight`);
      const size = { heads, headDim: arch.headDim, cols: shape[1]! };
      return ENCODE[type](heads === 0 ? values : interleaveHeads(values, size));
    };
    return { name: `${name}.weight`, type, shape, data };
  };
  const tensors = [tensor('token_embd', arch.names.embed, 'F32')];
  for (let layer = 0; layer < arch.layers; layer++) {
    const names = arch.names.layer(layer);
    const block = `blk.${layer}.`;
    tensors.push(
      tensor(`${block}attn_norm`, names.inputNorm, 'F32'),
      tensor(`${block}attn_q`, names.q, matrices, arch.heads),
      tensor(`${block}attn_k`, names.k, matrices, arch.kvHeads),
      tensor(`${block}attn_v`, names.v, matrices),
      tensor(`${block}attn_output`, names.o, matrices),
      tensor(`${block}ffn_norm`, names.mlpNorm, 'F32'),
      tensor(`${block}ffn_gate`, names.gate, matrices),
      tensor(`${block}ffn_up`, names.up, matrices),
      tensor(`${block}ffn_down`, names.down, matrices),
    );
  }
  tensors.push(tensor('output_norm', arch.names.finalNorm, 'F32'));
  tensors.push(tensor('output', arch.names.head, head));
  writeGguf(path, metadata(options), tensors);
}
