import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DATA_TYPE, externalTensor, flatten, model, node, tensor, varint } from './onnx.ts';

type Field = { field: number; wire: number; value: bigint | Uint8Array };

/** A reader of the wire format, to check the writer against. */
function read(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(next());
    const wire = key & 7;
    const value = wire === 0 ? next() : take(wire === 2 ? Number(next()) : 4);
    fields.push({ field: key >> 3, wire, value });
  }
  expect(at).toBe(bytes.length);
  return fields;
}

const all = (bytes: Uint8Array, field: number): (bigint | Uint8Array)[] =>
  read(bytes)
    .filter((entry) => entry.field === field)
    .map((entry) => entry.value);
const text = (value: bigint | Uint8Array | undefined): string =>
  new TextDecoder().decode(value as Uint8Array);

describe('protobuf writer', () => {
  test('varints of any 64-bit integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const [field] = read(Uint8Array.of(8, ...varint(value)));
        expect(BigInt.asIntN(64, field!.value as bigint)).toBe(value);
      }),
    );
  });

  test('tensors keep name, type, dimensions and bytes', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(fc.integer({ min: 0, max: 2 ** 31 })),
        fc.uint8Array(),
        (name, dims, data) => {
          const bytes = flatten(tensor({ name, type: DATA_TYPE.u8, dims }, data));
          expect(all(bytes, 1)).toEqual(dims.map(BigInt));
          expect(all(bytes, 2)).toEqual([BigInt(DATA_TYPE.u8)]);
          expect(text(all(bytes, 8)[0])).toBe(text(new TextEncoder().encode(name)));
          expect([...(all(bytes, 9)[0] as Uint8Array)]).toEqual([...data]);
        },
      ),
    );
  });

  test('external tensors name file, offset and length', () => {
    const range = { file: 'w.bin', offset: 5_000_000_000, bytes: 16 };
    const bytes = flatten(externalTensor({ name: 'w', type: DATA_TYPE.f32, dims: [4] }, range));
    const entries = all(bytes, 13).map((entry) => {
      return [text(all(entry as Uint8Array, 1)[0]), text(all(entry as Uint8Array, 2)[0])];
    });
    expect(Object.fromEntries(entries)).toEqual({
      location: 'w.bin',
      offset: '5000000000',
      length: '16',
    });
    expect(all(bytes, 14)).toEqual([1n]);
  });

  test('attributes carry their type', () => {
    const attributes = { a: 'x', b: -3, c: { float: 0.5 }, d: [1, 2] };
    const bytes = flatten(
      node({ op: 'Op', inputs: ['i', ''], outputs: ['o'], attributes, domain: 'd' }),
    );
    const written = all(bytes, 5).map((entry) => read(entry as Uint8Array));
    const type = (index: number): bigint | Uint8Array =>
      written[index]!.find((entry) => entry.field === 20)!.value;
    expect([0, 1, 2, 3].map(type)).toEqual([3n, 2n, 1n, 7n]);
    expect(all(bytes, 1).map(text)).toEqual(['i', '']);
    const bad = { op: 'Op', inputs: [], outputs: [], attributes: { a: 0.5 }, domain: '' };
    expect(() => node(bad)).toThrow(TypeError);
  });

  test('a model names both operator sets', () => {
    const bytes = model({ nodes: [], initializers: [], inputs: [], outputs: [] });
    const domains = all(bytes, 8).map((entry) => text(all(entry as Uint8Array, 1)[0]));
    expect(domains).toEqual(['', 'com.microsoft']);
  });
});
