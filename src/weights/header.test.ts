import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, LimitError } from '../record/errors.ts';
import { MAX_HEADER_BYTES, parseHeader } from './header.ts';

/** A file image: length, JSON, data. */
function image(json: string, dataBytes: number, length?: number): Uint8Array {
  const text = Buffer.from(json);
  const bytes = Buffer.alloc(8 + text.length + dataBytes);
  bytes.writeBigUInt64LE(BigInt(length ?? text.length), 0);
  text.copy(bytes, 8);
  return bytes;
}

const parse = (bytes: Uint8Array) =>
  parseHeader(bytes, { fileBytes: bytes.length, path: 'w.safetensors' });

const tensor = (dtype: string, shape: unknown, span: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: span });

const GOOD = `{"__metadata__":{"format":"pt"},"b":${tensor('F32', [2, 3], [4, 28])},"a":${tensor(
  'BF16',
  [2],
  [0, 4],
)}}  `;

describe('a well-formed header', () => {
  it('gives tensors in file order with absolute offsets', () => {
    const { tensors, metadata } = parse(image(GOOD, 28));
    const data = 8 + GOOD.length;
    expect(tensors).toEqual([
      { name: 'a', dtype: 'BF16', shape: [2], bytes: 4, offset: data },
      { name: 'b', dtype: 'F32', shape: [2, 3], bytes: 24, offset: data + 4 },
    ]);
    expect(metadata).toEqual({ format: 'pt' });
  });

  it('may be empty, hold scalars, empty tensors and odd names', () => {
    expect(parse(image('{}', 0)).tensors).toEqual([]);
    const scalar = `"__proto__":${tensor('I8', [], [0, 1])}`;
    const json = `{${scalar},"\\u00e9\\"":${tensor('F32', [0, 9], [0, 0])}}`;
    const { tensors } = parse(image(json, 1));
    expect(tensors.map(({ name }) => name)).toEqual(['é"', '__proto__']);
  });
});

describe('a hostile header is refused', () => {
  const badUtf8 = image('{"x":1}', 0);
  badUtf8[10] = 0xff;
  const one = (entry: string) => `{"a":${entry}}`;
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing at all', new Uint8Array(0), /0 bytes are too few/],
    ['seven bytes', new Uint8Array(7), /7 bytes are too few/],
    ['a length of zero', new Uint8Array(8), /does not start with "\{"/],
    ['a length beyond the bound', image('{}', 0, MAX_HEADER_BYTES + 1), /more than the bound/],
    ['a length of 2^64 − 1', Buffer.alloc(8, 0xff), /more than the bound/],
    ['a length beyond the file', image('{}', 0, 3), /ends 1 bytes short/],
    ['an array', image('[]', 0), /does not start with "\{"/],
    ['leading space', image(' {}', 0), /does not start with "\{"/],
    ['bad JSON', image('{"a"}', 0), /not JSON/],
    ['bad UTF-8', badUtf8, /not JSON in UTF-8/],
    ['deep nesting', image(`{"a":${'['.repeat(9)}`, 0), /nests deeper/],
    ['a repeated tensor', image(`{"a":${tensor('I8', [0], [0, 0])},"a":{}}`, 0), /key "a" twice/],
    ['a key repeated by escape', image('{"a":1,"\\u0061":2}', 0), /key "a" twice/],
    ['a repeated field', image('{"a":{"dtype":"I8","dtype":"U8"}}', 0), /key "dtype" twice/],
    ['metadata of numbers', image('{"__metadata__":{"a":1}}', 0), /__metadata__/],
    ['metadata that is no map', image('{"__metadata__":"x"}', 0), /__metadata__/],
    ['an entry that is no object', image(one('3'), 0), /not an object/],
    ['an unknown dtype', image(one(tensor('F7', [0], [0, 0])), 0), /unknown dtype F7/],
    ['an inherited dtype', image(one(tensor('toString', [], [0, 1])), 1), /unknown dtype/],
    ['a negative size', image(one(tensor('I8', [-1], [0, 1])), 1), /shape is not a list of counts/],
    ['a fractional size', image(one(tensor('I8', [1.5], [0, 1])), 1), /shape is not/],
    ['a size above 2^53', image(one(tensor('I8', [2 ** 53], [0, 1])), 1), /shape is not/],
    ['too many sizes', image(one(tensor('I8', Array(33).fill(1), [0, 1])), 1), /shape is not/],
    [
      'overflow behind a zero',
      image(one(tensor('I8', [2 ** 40, 2 ** 40, 0], [0, 0])), 0),
      /overflows/,
    ],
    [
      'offsets that run backwards',
      image(one(tensor('I8', [1], [1, 0])), 1),
      /data_offsets are not/,
    ],
    ['three offsets', image(one(tensor('I8', [1], [0, 1, 2])), 1), /data_offsets are not/],
    [
      'a size that is not the span',
      image(one(tensor('F32', [2], [0, 4])), 4),
      /takes 8 bytes.*span 4/,
    ],
    ['a hole at the start', image(one(tensor('I8', [1], [1, 2])), 2), /a hole of 1 bytes/],
    [
      'overlapping tensors',
      image(`{"a":${tensor('I8', [2], [0, 2])},"b":${tensor('I8', [2], [1, 3])}}`, 3),
      /"b": overlaps/,
    ],
    [
      'a file that is cut off',
      image(one(tensor('I8', [9], [0, 9])), 4),
      /5 of \d+ bytes are missing/,
    ],
    ['bytes after the last tensor', image(one(tensor('I8', [1], [0, 1])), 4), /3 bytes follow/],
  ];

  it.each(cases)('%s', (_, bytes, message) => {
    expect(() => parse(bytes)).toThrow(message);
    try {
      parse(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      const { details, hint } = error as FormatError;
      expect(details).toMatchObject({ path: 'w.safetensors', offset: expect.any(Number) });
      expect(details).toHaveProperty('expected');
      expect(details).toHaveProperty('got');
      expect(hint).toBeTruthy();
    }
  });

  it('names a Git LFS pointer and what to do about it', () => {
    const pointer = Buffer.from(
      `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 123\n`,
    );
    try {
      parse(pointer);
      expect.unreachable();
    } catch (error) {
      expect((error as FormatError).message).toContain('Git LFS pointer');
      expect((error as FormatError).hint).toContain('git lfs pull');
    }
  });

  it('refuses millions of members before it parses them', () => {
    const json = `{${'"":0,'.repeat(8_000_001)}"":0}`;
    expect(() => parse(image(json, 0))).toThrow(LimitError);
  });

  it('does not repeat a huge name in its message', () => {
    const json = `{"${'x'.repeat(100_000)}":3}`;
    expect(() => parse(image(json, 0))).toThrow(/^.{0,400}$/s);
  });
});

describe('any header', () => {
  const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
  const dtype = fc.constantFrom('F32', 'BF16', 'I8', 'I64', 'F8_E4M3');
  const width: Record<string, number> = { F32: 4, BF16: 2, I8: 1, I64: 8, F8_E4M3: 1 };
  const tensors = fc.uniqueArray(fc.record({ name: fc.string(), dtype, shape }), {
    selector: ({ name }) => name,
    maxLength: 6,
  });

  const write = (list: { name: string; dtype: string; shape: number[] }[]) => {
    let at = 0;
    const entries = list.map(({ name, dtype, shape }) => {
      const bytes = shape.reduce((a, b) => a * b, width[dtype]!);
      at += bytes;
      return [name, { dtype, shape, data_offsets: [at - bytes, at] }];
    });
    return image(JSON.stringify(Object.fromEntries(entries)), at);
  };

  it('that is written is read back', () => {
    fc.assert(
      fc.property(tensors, (list) => {
        const wanted = list.filter(({ name }) => name !== '__metadata__');
        const read = parse(write(wanted)).tensors;
        expect(new Map(read.map((t) => [t.name, [t.dtype, t.shape]]))).toEqual(
          new Map(wanted.map((t) => [t.name, [t.dtype, t.shape]])),
        );
      }),
    );
  });

  it('with mutated bytes parses or gives a FormatError, and nothing else', () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(tensors, fc.array(mutation, { minLength: 1, maxLength: 4 }), (list, changes) => {
        const bytes = write(list.filter(({ name }) => name !== '__metadata__'));
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        try {
          parse(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('of random JSON parses or gives a FormatError', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
        try {
          parse(image(JSON.stringify(value), 4));
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
