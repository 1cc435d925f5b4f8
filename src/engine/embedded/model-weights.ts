/** The weights of one graph: which kernel multiplies which tensor, and where its bytes lie. */
import { basename } from 'node:path';
import { encodeF32 } from '../../weights/encode.ts';
import type { QuantizedMatrix } from '../../weights/quantizer.ts';
import type { BlockWeights, ExpertUse } from './block.ts';
import type { ConstantStore } from './constant-store.ts';
import type { Compute } from './device.ts';
import { expertAttributes, expertBlock, floatExperts, packExperts } from './experts.ts';
import type { GraphBuilder } from './graph.ts';
import { type PackedMatrix, packMatrix } from './nbits.ts';
import { DATA_TYPE, type DataType } from './onnx.ts';
import { stack } from './stacked-matrix.ts';
import { checkFiniteBytes, type StoredWeights } from './stored-weights.ts';

/** MatMulNBits `accuracy_level`: 4 also quantizes the activations to int8, 1 keeps them f32. */
export const ACCURACY_LEVEL = { int8: 4, f32: 1 } as const;

export interface ModelWeightsOptions {
  readonly graph: GraphBuilder;
  readonly stored: StoredWeights;
  readonly store: ConstantStore;
  readonly activations: 'int8' | 'f32';
  /** What floats are held and multiplied as; f16 on a GPU only. */
  readonly compute: Compute;
  /** Point into the safetensors files instead of copying (needs `stored.unchanged`). */
  readonly inPlace: boolean;
}

const ONNX_TYPE = { F32: DATA_TYPE.f32, BF16: DATA_TYPE.bf16, F16: DATA_TYPE.f16 } as const;

export class ModelWeights implements BlockWeights {
  /** Weights as the runtime holds them (packed, or f32 after a cast), bytes. */
  residentBytes = 0;
  readonly gpu: boolean = false;
  readonly float: DataType;
  protected readonly options: ModelWeightsOptions;

  constructor(options: ModelWeightsOptions) {
    this.options = options;
    this.float = DATA_TYPE[options.compute];
  }

  linear(x: string, name: string, bias: boolean): string {
    const weight = `${name}.weight`;
    const added = bias ? this.vector(`${name}.bias`) : '';
    const { graph, stored, inPlace } = this.options;
    if (inPlace && stored.unchanged(weight)) {
      const inOut = stored.inOut(weight);
      return this.#gemm([x, this.#cast(this.#inFile(weight), weight), added], inOut);
    }
    const matrix = stored.matrix(weight);
    if (matrix.kind === 'int') {
      const y = this.nbits(this.ordered(x, weight, matrix.order), weight, matrix.matrix);
      return bias ? graph.op('Add', [y, added]) : y;
    }
    const { values, dims, inOut } = matrix;
    return this.#gemm([x, this.floats(weight, dims, values), added], inOut);
  }

  /**
   * Quantized matrices become one: in a decode step a product of this size takes as long as waking
   * the threads for it. Every column is computed as before, so that no bit of the result changes.
   */
  fused(x: string, names: readonly string[], bias: boolean): string | null {
    const { graph, stored } = this.options;
    const matrices = names.map((name) => {
      const planned = stored.plans.get(`${name}.weight`)!.matrix;
      return planned?.scheme.family === 'int' ? stored.matrix(`${name}.weight`) : null;
    });
    // Each act-ordered matrix wants its inputs in another order.
    if (matrices.some((each) => each?.kind === 'int' && each.order !== null)) return null;
    const all = names.join('+');
    const together = stack(matrices.flatMap((each) => (each?.kind === 'int' ? [each.matrix] : [])));
    if (together === null || matrices.includes(null)) return null;
    const y = this.nbits(x, `${all}.weight`, together);
    if (!bias) return y;
    const values = names.flatMap((name) => [...stored.vector(`${name}.bias`)]);
    const added = this.floats(`${all}.bias`, [values.length], Float32Array.from(values));
    return graph.op('Add', [y, added]);
  }

  experts(x: string, { name, logits, topK, experts }: ExpertUse): string {
    const { graph, stored } = this.options;
    const block = expertBlock(stored, experts);
    if (block === null) {
      const [inner, hidden] = stored.source.info(`${experts[0]!.gate}.weight`).shape as number[];
      const held = floatExperts(stored, experts, { hidden: hidden!, inner: inner! });
      const f32 = (part: string, dims: number[], values: Float32Array): string =>
        this.add(`${name}:${part}`, DATA_TYPE.f32, dims, values);
      const gateUp = f32('gateUp', [experts.length, 2 * inner!, hidden!], held.gateUp);
      const down = f32('down', [experts.length, hidden!, inner!], held.down);
      return graph.microsoft('MoE', [x, logits, gateUp, '', down], expertAttributes(topK));
    }
    const packed = packExperts(stored, experts, block);
    const [codes, scales, zeros] = this.#packedExperts(`${name}:gateUp`, packed.gateUp, experts);
    const [codes2, scales2, zeros2] = this.#packedExperts(`${name}:down`, packed.down, experts);
    const inputs = [x, logits, codes, scales, '', codes2, scales2];
    if (zeros !== '') inputs.push('', '', '', '', zeros, zeros2);
    return graph.microsoft('QMoE', inputs, {
      ...expertAttributes(topK),
      expert_weight_bits: packed.gateUp.bits,
      block_size: block,
    });
  }

  /** Codes, scales, and zero points or ''; each begins with the number of experts. */
  #packedExperts(
    name: string,
    { codes, scales, zeroPoints, blocks }: PackedMatrix,
    { length: count }: readonly unknown[],
  ): [string, string, string] {
    const rows = scales.length / blocks / count;
    const add = (part: string, type: DataType, data: Uint8Array | Float32Array): string =>
      this.add(`${name}:${part}`, type, [count, rows, data.length / rows / count], data);
    return [
      add('codes', DATA_TYPE.u8, codes),
      add('scales', DATA_TYPE.f32, scales),
      zeroPoints === null ? '' : add('zeros', DATA_TYPE.u8, zeroPoints),
    ];
  }

  rows(name: string, ids: string): string {
    const { graph, stored, inPlace } = this.options;
    const { shape, bytes } = stored.source.info(name);
    if (inPlace && stored.unchanged(name)) {
      this.residentBytes += bytes;
      const rows = graph.op('Gather', [this.#inFile(name), ids], { axis: 0 });
      return this.#cast(rows, name, false);
    }
    const table = stored.table(name);
    const held = this.add(`${name}:table`, ONNX_TYPE[table.dtype], shape, table.bytes);
    // Rows are picked before they are widened, so that no f32 copy of the table is ever made.
    const rows = graph.op('Gather', [held, ids], { axis: 0 });
    return table.dtype === 'F32' ? rows : graph.op('Cast', [rows], { to: DATA_TYPE.f32 });
  }

  vector(name: string): string {
    const { graph, stored } = this.options;
    if (graph.has(name)) return name;
    const values = stored.vector(name);
    return this.floats(name, [values.length], values);
  }

  /** f32 values as the type that is computed in. */
  protected floats(name: string, dims: readonly number[], values: Float32Array): string {
    const data = this.float === DATA_TYPE.f16 ? encodeF32(values, 'F16') : values;
    return this.add(name, this.float, dims, data);
  }

  protected add(
    name: string,
    type: DataType,
    dims: readonly number[],
    data: ArrayBufferView,
  ): string {
    const { graph, store } = this.options;
    if (!graph.has(name)) this.residentBytes += data.byteLength;
    return store.add(graph, { name, type, dims }, data);
  }

  /** A matrix, kept where it lies in the checkpoint. */
  #inFile(name: string): string {
    const { graph, stored } = this.options;
    const { dtype, shape, bytes, location } = stored.source.info(name);
    const plain = dtype as keyof typeof ONNX_TYPE;
    checkFiniteBytes(stored.source.read(name), plain, name);
    const file = basename(location!.file);
    return graph.external(name, ONNX_TYPE[plain], shape, { file, offset: location!.offset, bytes });
  }

  /** Widens what the checkpoint holds as `name`; a constant is widened once, at load. */
  #cast(value: string, name: string, constant = true): string {
    const { graph, stored } = this.options;
    const { dtype } = stored.source.info(name);
    if (constant) this.residentBytes += stored.plans.get(name)!.elements * 4;
    return dtype === 'F32' ? value : graph.op('Cast', [value], { to: DATA_TYPE.f32 });
  }

  /** [x, weight, bias or '']: x [T, in] × weight, which is [out, in] unless `inOut`. */
  #gemm(inputs: readonly [string, string, string], inOut: boolean): string {
    const [x, weight, bias] = inputs;
    const given = bias === '' ? [x, weight] : [x, weight, bias];
    return this.options.graph.op('Gemm', given, { transB: inOut ? 0 : 1 });
  }

  /** The inputs in the order in which an act-ordered matrix has its columns. */
  protected ordered(x: string, name: string, order: Int32Array | null): string {
    if (order === null) return x;
    const indices = this.add(`${name}:order`, DATA_TYPE.i32, [order.length], order);
    return this.options.graph.op('Gather', [x, indices], { axis: -1 });
  }

  protected nbits(x: string, name: string, matrix: QuantizedMatrix): string {
    const { rows, cols } = matrix;
    const { bits, block, blocks, codes, scales, zeroPoints } = packMatrix(matrix);
    const inputs = [
      x,
      this.add(`${name}:codes`, DATA_TYPE.u8, [rows, blocks, (block * bits) / 8], codes),
      this.add(`${name}:scales`, DATA_TYPE.f32, [rows, blocks], scales),
    ];
    if (zeroPoints !== null) {
      const dims = [rows, zeroPoints.length / rows];
      inputs.push(this.add(`${name}:zeros`, DATA_TYPE.u8, dims, zeroPoints));
    }
    return this.options.graph.microsoft('MatMulNBits', inputs, {
      K: cols,
      N: rows,
      bits,
      block_size: block,
      accuracy_level: ACCURACY_LEVEL[this.options.activations],
    });
  }
}
