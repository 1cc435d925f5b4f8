/**
 * The part of node-llama-cpp that the comparison uses. Declared here, because its package is
 * installed in this folder alone and the project's type check must not need it. Names with an
 * underscore are the package's own internals, pinned by its exact version.
 */
export interface LlamaSequence {
  evaluate(ids: number[], options: object): AsyncIterable<number>;
  controlledEvaluate(
    input: [number, object][],
  ): Promise<({ next: { logits?: Map<number, number> } } | undefined)[]>;
  clearHistory(): Promise<void>;
  dispose(): void;
}

export interface AddonContext {
  initBatch(size: number): void;
  /** Returns the logit index of each position asked for. */
  addToBatch(
    sequence: number,
    position: number,
    tokens: Uint32Array,
    logitsAt: Uint32Array,
  ): Uint32Array;
  decodeBatch(): Promise<void>;
  sampleToken(logitIndex: number, sampler: AddonSampler): Promise<number>;
  disposeSequence(sequence: number): void;
}

export interface AddonSampler {
  applyConfig(config: { temperature: number }): void;
}

export interface LlamaContext {
  readonly _ctx: AddonContext;
  readonly currentThreads: number;
  readonly flashAttention: unknown;
  getSequence(): LlamaSequence;
}

export interface LlamaModel {
  readonly _model: object;
  createContext(options: object): Promise<LlamaContext>;
}

export interface Llama {
  readonly _bindings: { AddonSampler: new (model: object) => AddonSampler };
  readonly llamaCppRelease: { release: string };
  readonly systemInfo: string;
  loadModel(options: object): Promise<LlamaModel>;
}

/** Loads the package; says how to install it where it is missing. */
export async function startLlama(threads: number): Promise<Llama> {
  const name = 'node-llama-cpp';
  try {
    const { getLlama } = (await import(name)) as { getLlama(options: object): Promise<Llama> };
    const options = { gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' };
    return await getLlama(options);
  } catch (cause) {
    const hint = 'run `npm ci` in benchmarks/llama-cpp first (Linux on x64 only)';
    throw new Error(`node-llama-cpp cannot be loaded: ${hint}`, { cause });
  }
}
