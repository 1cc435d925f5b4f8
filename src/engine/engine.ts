/** What runs a model. Measures know this contract and nothing of what is behind it. */
import type { EngineInfo, ModelIdentity } from '../record/schema.ts';

/** Token ids of one window; tokens `scoreFrom … ids.length-1` are scored given all before them. */
export interface TokenWindow {
  readonly ids: readonly number[];
  /** ≥ 1: a token without any context has no probability. */
  readonly scoreFrom: number;
}

/** Per scored token (length ids.length − scoreFrom). */
export interface ScoredWindow {
  /** Natural-log probability of the target. */
  readonly logp: Float32Array;
  /** 1 where the target was the argmax (lowest id wins a tie). */
  readonly hit: Uint8Array;
  /** Natural-log probability of the most likely token. */
  readonly topLogp: Float32Array;
  /** Σ p² over the vocabulary (for Brier). */
  readonly sumSquares: Float32Array;
}

export interface GenerateRequest {
  readonly ids: readonly number[];
  readonly maxNewTokens: number;
  /** Token ids that end generation; the stop token is reported, then generation ends. */
  readonly stopIds: readonly number[];
  /** 0 = greedy (default). */
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  /** Each request has its own generator, so that a batch equals its solo runs. */
  readonly seed?: number;
}

export interface GenerateResult {
  readonly ids: number[];
  readonly finish: 'stop' | 'length' | 'cancelled';
}

/** Called once per generated token, in order per request. */
export type TokenSink = (event: { request: number; index: number; id: number }) => void;

export interface MemoryReading {
  /** Weights as the runtime holds them, bytes (computed from what was handed to it). */
  readonly weightBytes: number;
  /** KV cache now allocated, bytes. */
  readonly kvCacheBytes: number;
  /** Peak resident set of this process, bytes. */
  readonly peakRssBytes: number;
}

/** How one tensor of the checkpoint is stored under the engine's scheme. */
export interface TensorCoverage {
  readonly name: string;
  readonly shape: readonly number[];
  readonly scheme: string;
  readonly group: number | null;
  readonly bytes: number;
  readonly reason: string | null;
}

export interface Engine {
  readonly info: EngineInfo;
  readonly model: ModelIdentity;
  /** Longest sequence that the model accepts, tokens. */
  readonly maxPositions: number;
  readonly vocabSize: number;
  /** Keys and values of one token, from the shape of the model: without what the engine pads. */
  readonly kvBytesPerToken: number;
  readonly coverage: readonly TensorCoverage[];
  /** Directory that holds the model's tokenizer files; absent or null where there is none. */
  readonly modelDir?: string | null;
  /** Scores all windows as one right-padded batch: the caller sizes micro-batches. */
  score(windows: readonly TokenWindow[], signal: AbortSignal): Promise<ScoredWindow[]>;
  generate(
    batch: readonly GenerateRequest[],
    onToken: TokenSink,
    signal: AbortSignal,
  ): Promise<GenerateResult[]>;
  memory(): Promise<MemoryReading>;
  close(): Promise<void>;
}

/** The routers of a mixture of experts. */
export interface RoutingShape {
  /** Indices of the layers that route, ascending. */
  readonly layers: readonly number[];
  readonly experts: number;
  readonly topK: number;
  /** The model multiplies by shares of the chosen experts (sum 1), not of all experts. */
  readonly normalized: boolean;
}

/** What the routers chose for consecutive tokens of one request. */
export interface RouteEvent {
  readonly request: number;
  readonly phase: 'prefill' | 'decode';
  /** Position of the first token in its sequence, the prompt's first being 0. */
  readonly from: number;
  readonly tokens: number;
  /** Expert ids [tokens, layers, topK], most likely first. Valid during the call only. */
  readonly ids: Int32Array;
  /** Their shares of the softmax over all experts, never normalised again. */
  readonly shares: Float32Array;
}

/** Called at every step: for each request once with its prompt, then once a fed token. */
export type RouteSink = (event: RouteEvent) => void;

/** Optional capability of an engine that was opened with `routing`. */
export interface WithRouting {
  readonly routing: RoutingShape;
  /** `generate`, told of every token that passes the routers: all but the last one generated. */
  generateRouted(
    batch: readonly GenerateRequest[],
    sinks: { readonly onToken: TokenSink; readonly onRoutes: RouteSink },
    signal: AbortSignal,
  ): Promise<GenerateResult[]>;
}

/** Optional capability: a classification head. Asked for with `'classify' in engine`. */
export interface WithClassification {
  readonly labels: readonly string[];
  /** Logits per row, [labels.length] each. */
  classify(rows: readonly (readonly number[])[], signal: AbortSignal): Promise<Float32Array[]>;
}
