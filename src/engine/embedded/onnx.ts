/**
 * A writer for the part of ONNX's protobuf that our graphs need (onnx.proto3, IR 10, opset 21).
 *
 * A message is a tree of byte chunks and is flattened once, at the end, so that a weight inside
 * the protobuf is copied exactly once. Nothing here reads ONNX.
 */

/** TensorProto.DataType numbers. */
export const DATA_TYPE = { f32: 1, u8: 2, i32: 6, i64: 7, f16: 10, bf16: 16 } as const;
export type DataType = (typeof DATA_TYPE)[keyof typeof DATA_TYPE];

/** The domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

const IR_VERSION = 10;
const OPSET = 21;

/** One protobuf message (or part of one) that has not been flattened yet. */
export interface Chunks {
  readonly length: number;
  readonly parts: readonly (Uint8Array | Chunks)[];
}

/** A float attribute: a bare number is an integer attribute, because 1 and 1.0 are one value. */
export interface FloatAttribute {
  readonly float: number;
}
export type Attribute = string | number | FloatAttribute | readonly number[];

function join(parts: readonly (Uint8Array | Chunks)[]): Chunks {
  let length = 0;
  for (const part of parts) length += part.length;
  return { length, parts };
}

/** One contiguous copy of a message. */
export function flatten(message: Chunks): Uint8Array {
  const out = new Uint8Array(message.length);
  let at = 0;
  const walk = (part: Uint8Array | Chunks): void => {
    if (part instanceof Uint8Array) {
      out.set(part, at);
      at += part.length;
    } else for (const child of part.parts) walk(child);
  };
  walk(message);
  return out;
}

const utf8 = new TextEncoder();

/** Base-128 varint; a negative number is written as its 64-bit two's complement. */
export function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    out.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return Uint8Array.from(out);
}

const int = (field: number, value: number): Chunks => join([varint(field << 3), varint(value)]);
const bytes = (field: number, body: Uint8Array | Chunks): Chunks =>
  join([varint((field << 3) | 2), varint(body.length), body]);
const text = (field: number, value: string): Chunks => bytes(field, utf8.encode(value));

function float(field: number, value: number): Chunks {
  const body = new Uint8Array(4);
  new DataView(body.buffer).setFloat32(0, value, true);
  return join([varint((field << 3) | 5), body]);
}

const view = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

export interface TensorHead {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly number[];
}

/** An initializer whose little-endian bytes lie inside the protobuf. */
export function tensor(head: TensorHead, data: ArrayBufferView): Chunks {
  return join([
    ...head.dims.map((size) => int(1, size)),
    int(2, head.type),
    text(8, head.name),
    bytes(9, view(data)),
  ]);
}

export interface ExternalRange {
  /** Base name of the file; its folder is a session option. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** An initializer whose bytes lie in another file. */
export function externalTensor(head: TensorHead, range: ExternalRange): Chunks {
  const entries = [
    ['location', range.file],
    ['offset', String(range.offset)],
    ['length', String(range.bytes)],
  ] as const;
  return join([
    ...head.dims.map((size) => int(1, size)),
    int(2, head.type),
    text(8, head.name),
    ...entries.map(([key, value]) => bytes(13, join([text(1, key), text(2, value)]))),
    int(14, 1),
  ]);
}

function attribute(name: string, value: Attribute): Chunks {
  if (typeof value === 'string') return join([text(1, name), text(4, value), int(20, 3)]);
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw new TypeError(`attribute ${name}: use { float }`);
    return join([text(1, name), int(3, value), int(20, 2)]);
  }
  if ('float' in value) return join([text(1, name), float(2, value.float), int(20, 1)]);
  return join([text(1, name), ...value.map((item) => int(8, item)), int(20, 7)]);
}

export interface NodeSpec {
  readonly op: string;
  /** An empty string leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly domain: string;
}

export function node(spec: NodeSpec): Chunks {
  return join([
    ...spec.inputs.map((name) => text(1, name)),
    ...spec.outputs.map((name) => text(2, name)),
    text(3, `${spec.op}:${spec.outputs[0] ?? ''}`),
    text(4, spec.op),
    ...Object.entries(spec.attributes).map(([name, value]) => bytes(5, attribute(name, value))),
    text(7, spec.domain),
  ]);
}

/** A graph input or output; a string dimension is symbolic. */
export function valueInfo(
  name: string,
  type: DataType,
  dims: readonly (number | string)[],
): Chunks {
  const shape = join(
    dims.map((size) => bytes(1, typeof size === 'string' ? text(2, size) : int(1, size))),
  );
  return join([text(1, name), bytes(2, bytes(1, join([int(1, type), bytes(2, shape)])))]);
}

/** A graph output that is a list of tensors. */
export function sequenceInfo(name: string, element: DataType): Chunks {
  const tensorType = bytes(1, bytes(1, int(1, element)));
  return join([text(1, name), bytes(2, bytes(4, tensorType))]);
}

export interface GraphParts {
  readonly nodes: readonly Chunks[];
  readonly initializers: readonly Chunks[];
  readonly inputs: readonly Chunks[];
  readonly outputs: readonly Chunks[];
}

/** The whole ModelProto, flattened. */
export function model(parts: GraphParts): Uint8Array {
  const graph = join([
    ...parts.nodes.map((item) => bytes(1, item)),
    text(2, 'assay'),
    ...parts.initializers.map((item) => bytes(5, item)),
    ...parts.inputs.map((item) => bytes(11, item)),
    ...parts.outputs.map((item) => bytes(12, item)),
  ]);
  const opset = (domain: string, version: number): Chunks =>
    bytes(8, join([text(1, domain), int(2, version)]));
  return flatten(
    join([
      int(1, IR_VERSION),
      text(2, 'assay'),
      bytes(7, graph),
      opset('', OPSET),
      opset(MICROSOFT, 1),
    ]),
  );
}
