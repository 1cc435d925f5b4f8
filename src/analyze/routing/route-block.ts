/** Routes as columns: what a reader of traces hands to whoever checks and counts them. */

/** How a row says which part of a request it is of; `none`: it does not say. */
export const PHASES = ['none', 'prefill', 'decode', 'profile', 'warmup'] as const;
export type Phase = (typeof PHASES)[number];

/** From here on a phase is the server's own, never a request's. */
export const FIRST_DUMMY_PHASE = 3;

/** Every column has room for at least `rows` rows; what lies behind them has no meaning. */
export interface RouteBlock {
  readonly rows: number;
  readonly topK: number;
  /** Which request, as a number from 0 in the order in which names were first seen. */
  readonly request: Uint32Array;
  readonly token: Uint32Array;
  readonly layer: Uint16Array;
  /** Index into PHASES. */
  readonly phase: Uint8Array;
  /** From 1; of Parquet the row. */
  readonly line: Uint32Array;
  /** Row-major, `topK` a row. */
  readonly ids: Uint16Array;
  /** Row-major, as f32, which is what routers compute in. */
  readonly weights: Float32Array;
}

const ROW_BYTES = 4 + 4 + 4 + 2 + 1;

export type RouteColumns<B extends ArrayBufferLike = ArrayBuffer> = {
  -readonly [K in keyof RouteBlock]: RouteBlock[K];
} & {
  readonly buffer: B;
};

/** Bytes of a buffer with room for so many rows. */
export function columnBytes(capacity: number, topK: number): number {
  return capacity * (ROW_BYTES + 6 * topK) + 8;
}

/** Views of one buffer, widest first so that all are aligned. `capacity` is a multiple of 4. */
export function columnsIn<B extends ArrayBufferLike>(
  buffer: B,
  capacity: number,
  topK: number,
  from = 0,
): RouteColumns<B> {
  let at = from;
  const take = (bytes: number): number => {
    at += bytes;
    return at - bytes;
  };
  return {
    buffer,
    rows: 0,
    topK,
    request: new Uint32Array(buffer, take(4 * capacity), capacity),
    token: new Uint32Array(buffer, take(4 * capacity), capacity),
    line: new Uint32Array(buffer, take(4 * capacity), capacity),
    weights: new Float32Array(buffer, take(4 * capacity * topK), capacity * topK),
    layer: new Uint16Array(buffer, take(2 * capacity), capacity),
    ids: new Uint16Array(buffer, take(2 * capacity * topK), capacity * topK),
    phase: new Uint8Array(buffer, take(capacity), capacity),
  };
}
