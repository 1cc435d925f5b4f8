/** Builds one ONNX graph node by node; every method returns the name of the value it makes. */
import {
  type Attribute,
  type Chunks,
  DATA_TYPE,
  type DataType,
  type ExternalRange,
  externalTensor,
  MICROSOFT,
  model,
  node,
  sequenceInfo,
  tensor,
  valueInfo,
} from './onnx.ts';

export type Attributes = Readonly<Record<string, Attribute>>;

/** Names one or more outputs; without it they get fresh names. */
export interface NodeOutputs {
  readonly outputs?: readonly string[];
  readonly count?: number;
}

export class GraphBuilder {
  readonly #nodes: Chunks[] = [];
  readonly #initializers = new Map<string, Chunks>();
  readonly #inputs: Chunks[] = [];
  readonly #outputs: Chunks[] = [];
  #serial = 0;

  /** A node of a standard operator with several outputs. */
  many(op: string, inputs: readonly string[], attributes: Attributes, out: NodeOutputs): string[] {
    return this.#add({ op, inputs, attributes, domain: '' }, out);
  }

  /** A node of a standard operator with one output. */
  op(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.#add({ op, inputs, attributes, domain: '' }, { count: 1 })[0]!;
  }

  /** A node of one of ONNX Runtime's own operators with one output. */
  microsoft(op: string, inputs: readonly string[], attributes: Attributes): string {
    return this.#add({ op, inputs, attributes, domain: MICROSOFT }, { count: 1 })[0]!;
  }

  microsoftMany(
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
    out: NodeOutputs,
  ): string[] {
    return this.#add({ op, inputs, attributes, domain: MICROSOFT }, out);
  }

  #add(
    spec: {
      op: string;
      inputs: readonly string[];
      attributes: Attributes;
      domain: string;
    },
    out: NodeOutputs,
  ): string[] {
    const count = out.outputs?.length ?? out.count ?? 1;
    const outputs = out.outputs ?? Array.from({ length: count }, () => this.fresh(spec.op));
    this.#nodes.push(node({ ...spec, outputs }));
    return [...outputs];
  }

  fresh(hint: string): string {
    this.#serial += 1;
    return `${hint}#${this.#serial}`;
  }

  has(name: string): boolean {
    return this.#initializers.has(name);
  }

  /** A constant inside the protobuf. The same name twice is the same constant. */
  constant(name: string, type: DataType, dims: readonly number[], data: ArrayBufferView): string {
    if (!this.has(name)) this.#initializers.set(name, tensor({ name, type, dims }, data));
    return name;
  }

  /** A constant whose bytes lie in another file. */
  external(name: string, type: DataType, dims: readonly number[], range: ExternalRange): string {
    if (!this.has(name)) this.#initializers.set(name, externalTensor({ name, type, dims }, range));
    return name;
  }

  i64(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.constant(`i64:${values}`, DATA_TYPE.i64, [values.length], data);
  }

  i64Scalar(value: number): string {
    return this.constant(`i64 ${value}`, DATA_TYPE.i64, [], BigInt64Array.of(BigInt(value)));
  }

  /** 0 keeps a dimension, −1 infers it. */
  reshape(x: string, dims: readonly number[]): string {
    return this.op('Reshape', [x, this.i64(dims)]);
  }

  split(x: string, sizes: readonly number[]): string[] {
    return this.many('Split', [x, this.i64(sizes)], { axis: -1 }, { count: sizes.length });
  }

  input(name: string, type: DataType, dims: readonly (number | string)[]): string {
    this.#inputs.push(valueInfo(name, type, dims));
    return name;
  }

  /** Declares an existing value as an output of the graph. */
  output(name: string, type: DataType, dims: readonly (number | string)[]): string {
    this.#outputs.push(valueInfo(name, type, dims));
    return name;
  }

  /** An output that is an empty list of tensors. */
  emptySequence(name: string): void {
    this.many('SequenceEmpty', [], {}, { outputs: [name] });
    this.#outputs.push(sequenceInfo(name, DATA_TYPE.f32));
  }

  /** Makes `value` an output under another name. */
  outputAs(
    value: string,
    declared: { name: string; type: DataType; dims: readonly (number | string)[] },
  ): string {
    this.many('Identity', [value], {}, { outputs: [declared.name] });
    return this.output(declared.name, declared.type, declared.dims);
  }

  build(): Uint8Array {
    return model({
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
    });
  }
}
