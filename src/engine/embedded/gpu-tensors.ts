/**
 * Tensors in GPU buffers. The binding has no call that allocates one, so tiny graphs do it: their
 * outputs stay on the GPU. A session *without* a preferred output location then reads and writes
 * such tensors in place when they are passed as inputs and as outputs (found by trying: with a
 * preferred location it ignores outputs that are passed and allocates new ones).
 */
import type { Compute } from './device.ts';
import { GraphBuilder } from './graph.ts';
import { buildBest, buildScores } from './head.ts';
import { DATA_TYPE } from './onnx.ts';
import {
  createSession,
  int64,
  type Runtime,
  runSession,
  type Session,
  type Tensor,
} from './runtime.ts';

interface Sessions {
  readonly zeros: Session;
  readonly pick: Session;
  readonly join: Session;
  /** Of logits on the GPU. */
  readonly scores: Session;
  readonly best: Session;
}

/** What one call leaves for another, each in a buffer of its own. */
type Scratch = 'hidden' | 'key' | 'value' | 'logits';

export class GpuTensors {
  readonly compute: Compute;
  readonly #ort: Runtime;
  readonly #sessions: Sessions;
  readonly #kept = new Map<string, Tensor>();

  private constructor(ort: Runtime, compute: Compute, sessions: Sessions) {
    this.#ort = ort;
    this.compute = compute;
    this.#sessions = sessions;
  }

  /**
   * `vocabSize`: how many logits a token has; `profile`: where the graphs that read them profile
   * what they run.
   * @throws EngineError where there is no GPU
   */
  static async open(
    ort: Runtime,
    options: { compute: Compute; vocabSize: number; profile?: (graph: string) => string },
  ): Promise<GpuTensors> {
    const { compute, vocabSize, profile } = options;
    const gpu = { threads: 1, folder: null, device: 'webgpu' } as const;
    const maker = (name: string, build: (type: Compute) => Uint8Array): Promise<Session> =>
      createSession(ort, { name, bytes: build(compute) }, { ...gpu, outputsOnGpu: true });
    const reader = (name: string, build: typeof buildBest): Promise<Session> => {
      const graph = new GraphBuilder();
      build(graph, vocabSize);
      const settings = profile ? { ...gpu, profilePrefix: profile(name) } : gpu;
      return createSession(ort, { name, bytes: graph.build() }, settings);
    };
    return new GpuTensors(ort, compute, {
      zeros: await maker('zeros', zerosGraph),
      pick: await maker('pick', pickGraph),
      join: await maker('join', joinGraph),
      scores: await reader('scores', buildScores),
      best: await reader('best', buildBest),
    });
  }

  get scores(): Session {
    return this.#sessions.scores;
  }

  get best(): Session {
    return this.#sessions.best;
  }

  /** A new buffer of `size` zeros, [size]; the caller disposes it. */
  async zeros(size: number): Promise<Tensor> {
    const shape = int64(this.#ort, [size], [1]);
    return (await runSession(this.#sessions.zeros, { shape }, ['y'])).y!;
  }

  /** The beginning of a buffer under other dimensions; it lives as long as the buffer does. */
  view(buffer: Tensor, dims: readonly number[], type: Compute = this.compute): Tensor {
    const dataType = type === 'f16' ? 'float16' : 'float32';
    return this.#ort.Tensor.fromGpuBuffer(buffer.gpuBuffer, { dataType, dims });
  }

  /** Rows `rows` of the first of four axes as a new buffer. */
  async pick(x: Tensor, rows: readonly number[]): Promise<Tensor> {
    const at = int64(this.#ort, rows, [rows.length]);
    return (await runSession(this.#sessions.pick, { x, rows: at }, ['y'])).y!;
  }

  /** `a`, then `b`, along the first of four axes as a new buffer. */
  async join(a: Tensor, b: Tensor): Promise<Tensor> {
    return (await runSession(this.#sessions.join, { a, b }, ['y'])).y!;
  }

  /**
   * The one buffer of this name, grown where it is too small: what a call leaves there is valid
   * until the next call that uses the name.
   */
  async scratch(
    name: Scratch,
    dims: readonly number[],
    type: Compute = this.compute,
  ): Promise<Tensor> {
    const wider = type === this.compute ? 1 : 2;
    const size = dims.reduce((all, dim) => all * dim, wider);
    let buffer = this.#kept.get(name);
    if (buffer === undefined || buffer.dims[0]! < size) {
      buffer?.dispose();
      this.#kept.delete(name);
      buffer = await this.zeros(size);
      this.#kept.set(name, buffer);
    }
    return this.view(buffer, dims, type);
  }

  async close(): Promise<void> {
    for (const buffer of this.#kept.values()) buffer.dispose();
    this.#kept.clear();
    for (const session of Object.values(this.#sessions)) await session.release();
  }
}

function zerosGraph(compute: Compute): Uint8Array {
  const graph = new GraphBuilder();
  graph.input('shape', DATA_TYPE.i64, [1]);
  const data = compute === 'f16' ? new Uint16Array(1) : new Float32Array(1);
  const zero = graph.constant('zero', DATA_TYPE[compute], [1], data);
  graph.many('Expand', [zero, 'shape'], {}, { outputs: ['y'] });
  graph.output('y', DATA_TYPE[compute], ['size']);
  return graph.build();
}

const AXES = ['heads', 'tokens', 'size'];

function pickGraph(compute: Compute): Uint8Array {
  const graph = new GraphBuilder();
  graph.input('x', DATA_TYPE[compute], ['rows', ...AXES]);
  graph.input('rows', DATA_TYPE.i64, ['kept']);
  graph.many('Gather', ['x', 'rows'], { axis: 0 }, { outputs: ['y'] });
  graph.output('y', DATA_TYPE[compute], ['kept', ...AXES]);
  return graph.build();
}

function joinGraph(compute: Compute): Uint8Array {
  const graph = new GraphBuilder();
  graph.input('a', DATA_TYPE[compute], ['first', ...AXES]);
  graph.input('b', DATA_TYPE[compute], ['second', ...AXES]);
  graph.many('Concat', ['a', 'b'], { axis: 0 }, { outputs: ['y'] });
  graph.output('y', DATA_TYPE[compute], ['both', ...AXES]);
  return graph.build();
}
