/**
 * The weights of one graph on a GPU. Measured on ONNX Runtime 1.30's WebGPU provider: `MatMul` on
 * [in, out] takes a third of the time of `Gemm` on [out, in] for 4,096 tokens; and for one token
 * even a small product takes 0.1 ms, so that products of one input are made as one.
 */
import type { TensorPlan } from '../../weights/plan.ts';
import { ModelWeights } from './model-weights.ts';

/**
 * True where the GPU's MatMulNBits quantizes the activations of every matrix if it is asked to. Its
 * kernel for that takes depths of a multiple of 128 and widths of a multiple of 16; for others it
 * multiplies in f32 and does not say so.
 */
export function takesInt8Activations(plans: Iterable<TensorPlan>): boolean {
  for (const { matrix } of plans) {
    if (matrix?.scheme.family !== 'int') continue;
    if (matrix.cols % 128 !== 0 || matrix.rows % 16 !== 0) return false;
  }
  return true;
}

export class GpuWeights extends ModelWeights {
  override readonly gpu = true;

  override linear(x: string, name: string, bias: boolean): string {
    if (!this.#isInt(name)) return this.#product(x, [name], bias);
    const weight = `${name}.weight`;
    const { graph, stored } = this.options;
    const matrix = stored.matrix(weight);
    if (matrix.kind !== 'int') throw new TypeError(`${name} is not quantized`);
    const y = this.nbits(this.ordered(x, weight, matrix.order), weight, matrix.matrix);
    return bias ? graph.op('Add', [y, this.vector(`${name}.bias`)]) : y;
  }

  override fused(x: string, names: readonly string[], bias: boolean): string | null {
    return names.some((name) => this.#isInt(name)) ? null : this.#product(x, names, bias);
  }

  #isInt(name: string): boolean {
    const { plans } = this.options.stored;
    return plans.get(`${name}.weight`)?.matrix?.scheme.family === 'int';
  }

  /** Tables of 16 bits would be looked up on the CPU, so they have the type of hidden states. */
  override rows(name: string, ids: string): string {
    const { graph, stored } = this.options;
    const { shape } = stored.source.info(name);
    const table = this.floats(`${name}:table`, shape, stored.vector(name));
    return graph.op('Gather', [table, ids], { axis: 0 });
  }

  /** x × the matrices side by side (+ their biases), [T, sum of their widths]. */
  #product(x: string, names: readonly string[], bias: boolean): string {
    const { graph } = this.options;
    const all = names.join('+');
    const name = `${all}.weight`;
    const y = graph.op('MatMul', [x, graph.has(name) ? name : this.#sideBySide(name, names)]);
    if (!bias) return y;
    const parts = names.map((part) => this.options.stored.vector(`${part}.bias`));
    const values = joined(parts);
    return graph.op('Add', [y, this.floats(`${all}.bias`, [values.length], values)]);
  }

  #sideBySide(name: string, names: readonly string[]): string {
    const { stored } = this.options;
    const parts = names.map((part) => {
      const matrix = stored.matrix(`${part}.weight`);
      if (matrix.kind === 'int') throw new TypeError(`${part} is quantized`);
      const { values, dims, inOut } = matrix;
      const [rows, cols] = dims as [number, number];
      return { values: inOut ? values : transposed(values, rows, cols), out: inOut ? cols : rows };
    });
    const out = parts.reduce((sum, part) => sum + part.out, 0);
    const depth = parts[0]!.values.length / parts[0]!.out;
    if (parts.length === 1) return this.floats(name, [depth, out], parts[0]!.values);
    const values = new Float32Array(depth * out);
    let at = 0;
    for (const part of parts) {
      for (let row = 0; row < depth; row++) {
        const line = part.values.subarray(row * part.out, (row + 1) * part.out);
        values.set(line, row * out + at);
      }
      at += part.out;
    }
    return this.floats(name, [depth, out], values);
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}

/** Side of the squares in which a matrix is turned over: both sides stay in the cache. */
const TILE = 32;

/** [rows, cols] → [cols, rows]. */
function transposed(values: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(rows, top + TILE);
    for (let left = 0; left < cols; left += TILE) {
      const right = Math.min(cols, left + TILE);
      for (let row = top; row < bottom; row++) {
        for (let col = left; col < right; col++) out[col * rows + row] = values[row * cols + col]!;
      }
    }
  }
  return out;
}
