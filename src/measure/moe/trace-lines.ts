/**
 * Routes as lines: the `route` records of a trace, one a token and layer. Bytes are put together
 * without any text between, because the thread that does it competes with the engine for a core.
 */

/** Routes of consecutive tokens, in columns that can be handed to another thread. */
export interface TraceChunk {
  readonly tokens: number;
  /** Of each token: number of its request, position in its sequence, 1 if it was generated. */
  readonly request: Int32Array;
  readonly position: Int32Array;
  readonly decode: Uint8Array;
  /** [tokens, layers, topK]. */
  readonly ids: Int32Array;
  readonly weights: Float32Array;
}

export interface TraceShape {
  /** Numbers of the traced layers. */
  readonly layers: readonly number[];
  readonly topK: number;
}

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const REQUEST = bytesOf('{"type":"route","req_id":"prompt-');
const TOKEN = bytesOf('","token_idx":');
const LAYER = bytesOf(',"layer":');
const IDS = bytesOf(',"topk_ids":[');
const WEIGHTS = bytesOf('],"topk_weights":[');
const PHASES = [bytesOf('],"phase":"prefill"}\n'), bytesOf('],"phase":"decode"}\n')];
const COMMA = 0x2c;
const POINT = 0x2e;
const ZERO = 0x30;

/** Of a weight: 24 bits hold no more than eight decimals. */
const DECIMALS = 8;
/** The texts above and three numbers of up to ten digits; then an id and a weight a choice. */
const LINE_BYTES = 160;
const CHOICE_BYTES = 24;

/** The bytes are valid until the next call. */
export function traceEncoder({ layers, topK }: TraceShape): (chunk: TraceChunk) => Uint8Array {
  let out = new Uint8Array(0);
  const lineBytes = LINE_BYTES + topK * CHOICE_BYTES;
  return (chunk) => {
    const { tokens, request, position, decode, ids, weights } = chunk;
    const room = tokens * layers.length * lineBytes;
    if (out.length < room) out = new Uint8Array(room);
    let at = 0;
    let choice = 0;
    for (let token = 0; token < tokens; token++) {
      for (const layer of layers) {
        at = put(out, at, REQUEST);
        at = putInteger(out, at, request[token]!);
        at = put(out, at, TOKEN);
        at = putInteger(out, at, position[token]!);
        at = put(out, at, LAYER);
        at = putInteger(out, at, layer);
        at = put(out, at, IDS);
        for (let k = 0; k < topK; k++) {
          if (k > 0) out[at++] = COMMA;
          at = putInteger(out, at, ids[choice + k]!);
        }
        at = put(out, at, WEIGHTS);
        for (let k = 0; k < topK; k++) {
          if (k > 0) out[at++] = COMMA;
          at = putWeight(out, at, weights[choice + k]!);
        }
        at = put(out, at, PHASES[decode[token]!]!);
        choice += topK;
      }
    }
    return out.subarray(0, at);
  };
}

function put(out: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) out[at + i] = bytes[i]!;
  return at + bytes.length;
}

/** Digits of a whole number below 2^31. */
function putInteger(out: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits += 1;
  return putDigits(out, at, { value, digits });
}

function putDigits(out: Uint8Array, at: number, of: { value: number; digits: number }): number {
  let rest = of.value;
  for (let i = at + of.digits - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    out[i] = ZERO + rest - 10 * next;
    rest = next;
  }
  return at + of.digits;
}

/** A number of 0 … 1; NaN, which no softmax of finite logits gives, as NaN, to be found. */
function putWeight(out: Uint8Array, at: number, weight: number): number {
  if (!(weight >= 0 && weight <= 1)) return put(out, at, bytesOf(String(weight)));
  const whole = 10 ** DECIMALS;
  const value = Math.round(weight * whole);
  out[at] = value === whole ? ZERO + 1 : ZERO;
  out[at + 1] = POINT;
  return putDigits(out, at + 2, { value: value === whole ? 0 : value, digits: DECIMALS });
}
