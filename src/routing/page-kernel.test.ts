/** Pages as the kernel decodes them, against plain loops. */
import fc from 'fast-check';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { describe, expect, it } from 'vitest';
import { type Kind, PageKernel, type PlainType, type Span } from './page-kernel.ts';

function put(kernel: PageKernel, bytes: Uint8Array): Span {
  const span = kernel.take(bytes.length);
  kernel.bytes(span).set(bytes);
  // What an earlier page left behind the end.
  kernel.bytes({ at: span.end, end: span.end + 8 }).fill(0xff);
  return span;
}

const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
const little = (n: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(n / 256 ** i) & 255);

describe('snappy', () => {
  type Step =
    | { literal: number[]; wide: number }
    | { offset: number; length: number; wide: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      literal: fc.array(fc.nat(255), { minLength: 1, maxLength: 200 }),
      wide: fc.integer({ min: 0, max: 4 }),
    }),
    fc.record({
      offset: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3000 })),
      length: fc.integer({ min: 1, max: 64 }),
      wide: fc.integer({ min: 1, max: 3 }),
    }),
  );

  /** Every way in which a step can be written. */
  function packed(steps: readonly Step[]): { bytes: number[]; text: number[] } {
    const bytes: number[] = [];
    const text: number[] = [];
    for (const each of steps) {
      if ('literal' in each) {
        const n = each.literal.length - 1;
        const wide = Math.max(each.wide, n < 60 ? 0 : 1);
        bytes.push(...(wide === 0 ? [n << 2] : [(59 + wide) << 2, ...little(n, wide)]));
        bytes.push(...each.literal);
        text.push(...each.literal);
        continue;
      }
      const offset = Math.min(each.offset, text.length);
      if (offset === 0) continue;
      const isShort = each.wide === 1 && each.length >= 4 && each.length < 12 && offset < 2048;
      const wide = isShort ? 1 : Math.max(2, each.wide);
      if (isShort) bytes.push(1 | ((each.length - 4) << 2) | ((offset >> 8) << 5), offset & 255);
      else bytes.push(wide | ((each.length - 1) << 2), ...little(offset, wide === 2 ? 2 : 4));
      for (let i = 0; i < each.length; i++) text.push(text[text.length - offset] as number);
    }
    return { bytes: [...varint(text.length), ...bytes], text };
  }

  function unsnapped(bytes: Uint8Array, length: number): Uint8Array | null {
    const kernel = new PageKernel();
    const from = put(kernel, bytes);
    const to = kernel.take(length);
    return kernel.unsnap(from, to) ? kernel.bytes(to) : null;
  }

  const pages = fc.array(step, { maxLength: 60 }).map(packed);
  it('unpacks whatever is packed', () => {
    fc.assert(
      fc.property(pages, ({ bytes, text }) => {
        expect(unsnapped(Uint8Array.from(bytes), text.length)).toEqual(Uint8Array.from(text));
      }),
    );
  });

  /** The same, byte by byte; null: damaged. */
  function plainly(bytes: Uint8Array, length: number): Uint8Array | null {
    const out: number[] = [];
    let p = bytes.findIndex((byte) => byte < 128) + 1;
    const take = (n: number): number => {
      const all = bytes.subarray(p, p + n);
      p += n;
      return all.reduceRight((value, byte) => value * 256 + byte, 0);
    };
    if (p === 0) return null;
    while (p < bytes.length) {
      const tag = take(1);
      const kind = tag & 3;
      let [n, offset] = [(tag >> 2) + 1, 0];
      if (kind === 0 && n > 60) n = take(n - 60) + 1;
      if (kind === 1) {
        n = ((tag >> 2) & 7) + 4;
        offset = ((tag >> 5) << 8) + take(1);
      } else if (kind > 1) offset = take(kind === 2 ? 2 : 4);
      if (p > bytes.length || out.length + n > length) return null;
      if (kind === 0) {
        out.push(...bytes.subarray(p, p + n));
        p += n;
      } else if (offset === 0 || offset > out.length) return null;
      else for (let i = 0; i < n; i++) out.push(out[out.length - offset] as number);
      if (p > bytes.length) return null;
    }
    return out.length === length ? Uint8Array.from(out) : null;
  }

  it('finds damage where reading byte by byte does', () => {
    const damage = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat(20) });
    fc.assert(
      fc.property(pages, damage, ({ bytes, text }, { at, to, cut }) => {
        const damaged = Uint8Array.from(bytes.slice(0, bytes.length - (at % 3 === 0 ? cut : 0)));
        if (damaged.length > 0) damaged[at % damaged.length] = to;
        expect(unsnapped(damaged, text.length)).toEqual(plainly(damaged, text.length));
      }),
      { numRuns: 500 },
    );
  });

  it('unpacks what a writer packs', () => {
    const bytes = Uint8Array.from({ length: 90_000 }, (_, i) => ((i * i) >> 9) & 255);
    expect(unsnapped(snappyCompress(bytes), bytes.length)).toEqual(bytes);
  });
});

describe('the hybrid of runs and packed numbers', () => {
  interface Run {
    readonly value: number;
    readonly times: number;
    readonly isPacked: boolean;
  }
  const run = fc.record({
    value: fc.nat(2 ** 24 - 1),
    times: fc.integer({ min: 1, max: 40 }),
    isPacked: fc.boolean(),
  });

  /** `numberAt`: of the place in all of them. Packed runs have whole groups of eight. */
  function hybrid(runs: readonly Run[], width: number, numberAt: (at: number, run: Run) => number) {
    const bytes: number[] = [];
    const numbers: number[] = [];
    for (const each of runs) {
      if (!each.isPacked) {
        const value = numberAt(numbers.length, each);
        // As long as the pattern goes on with the same number.
        let times = 1;
        while (times < each.times && numberAt(numbers.length + times, each) === value) times++;
        bytes.push(...varint(times << 1), ...little(value, (width + 7) >> 3));
        numbers.push(...Array<number>(times).fill(value));
        continue;
      }
      const groups = (each.times + 7) >> 3;
      let held = 0n;
      for (let i = 0; i < 8 * groups; i++) {
        const value = numberAt(numbers.length, each);
        held |= BigInt(value) << BigInt(i * width);
        numbers.push(value);
      }
      bytes.push(...varint((groups << 1) | 1));
      for (let i = 0; i < groups * width; i++) bytes.push(Number((held >> BigInt(8 * i)) & 255n));
    }
    return { bytes: Uint8Array.from(bytes), numbers };
  }

  const runs = fc.array(run, { minLength: 1, maxLength: 12 });
  it.each(['u16', 'u32'] as const)('gives %s values of a dictionary', (kind) => {
    const size = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70_000 }));
    fc.assert(
      fc.property(runs, size, fc.nat(7), fc.boolean(), (all, entries, less, isBeyond) => {
        const width = Math.max(1, 32 - Math.clz32(entries - 1));
        const most = isBeyond ? 2 ** width : entries;
        const { bytes, numbers } = hybrid(all, width, (at, { value }) => (value + 31 * at) % most);
        const count = Math.max(1, numbers.length - less);
        const cells = kind === 'u16' ? Uint16Array : Uint32Array;
        const values = new cells(entries).map((_, i) => i * 77_777);
        const kernel = new PageKernel();
        const span = put(kernel, bytes);
        const dictionary = put(kernel, new Uint8Array(values.buffer));
        const to = kernel.take(4 * count).at;
        const ok = kernel.places(kind, span, { width, count, dictionary, to });
        const wanted = numbers.slice(0, count);
        expect(ok).toBe(wanted.every((place) => place < entries));
        if (!ok) return;
        const found = new cells(kernel.buffer, to, count);
        expect([...found]).toEqual(wanted.map((place) => values[place]));
      }),
    );
  });

  it('tells lists of one length from others, and levels from others', () => {
    const of = fc.record({
      size: fc.integer({ min: 1, max: 20 }),
      from: fc.nat(100),
      odd: fc.nat(400),
    });
    fc.assert(
      fc.property(runs, of, (all, { size, from, odd }) => {
        const kernel = new PageKernel();
        const { bytes, numbers } = hybrid(all, 1, (at) => {
          return ((from + at) % size === 0 ? 0 : 1) ^ (at === odd ? 1 : 0);
        });
        const count = numbers.length;
        const isOdd = odd < count;
        expect(kernel.listsAre(size, put(kernel, bytes), { from, count })).toBe(!isOdd);
        const levels = hybrid(all, 2, (at) => (at === odd ? 1 : 3));
        const span = put(kernel, levels.bytes);
        expect(kernel.allAre(3, span, levels.numbers.length)).toBe(odd >= levels.numbers.length);
      }),
    );
  });

  it('ends with the bytes', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 9 }), fc.nat(), (all, width, cut) => {
        const kernel = new PageKernel();
        const level = 2 ** width - 1;
        const { bytes, numbers } = hybrid(all, width, () => level);
        const span = put(kernel, bytes.subarray(0, cut % bytes.length));
        const dictionary = put(kernel, new Uint8Array(2 * 2 ** width));
        const of = {
          width,
          count: numbers.length,
          dictionary,
          to: kernel.take(2 * numbers.length).at,
        };
        expect(kernel.places('u16', span, of)).toBe(false);
        expect(kernel.allAre(level, span, numbers.length)).toBe(false);
      }),
    );
  });
});

describe('plain numbers', () => {
  const number = fc.oneof(
    { arbitrary: fc.nat(70_000), weight: 20 },
    fc.double({ min: 0, max: 1 }),
    fc.constantFrom(
      -1,
      65_535,
      65_536,
      2 ** 31 - 1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1e39,
      -0,
    ),
  );
  /** The bytes of the numbers, and what they then are. */
  function written(type: PlainType, numbers: readonly number[]) {
    if (type === 'INT32') return Int32Array.from(numbers);
    if (type === 'FLOAT') return Float32Array.from(numbers);
    if (type === 'DOUBLE') return Float64Array.from(numbers);
    const whole = numbers.map((n) => (Math.abs(n) < 2 ** 53 ? BigInt(Math.trunc(n)) : -1n));
    return BigInt64Array.from(whole);
  }
  const CASES: [PlainType, Kind, number][] = [
    ['INT32', 'u16', 65_535],
    ['INT32', 'u32', 2 ** 32 - 2],
    ['INT64', 'u16', 65_535],
    ['INT64', 'u32', 2 ** 32 - 2],
    ['INT64', 'f32', 1e38],
    ['FLOAT', 'f32', 1e38],
    ['DOUBLE', 'f32', 1e38],
  ];
  it.each(CASES)('%s into %s, unless one is out of range', (type, kind, most) => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 40 }), fc.boolean(), (any, isTame) => {
        const numbers = isTame ? any.map((n) => (n >= 0 && n <= most ? n : 7)) : any;
        const source = written(type, numbers);
        const bytes = new Uint8Array(source.buffer);
        const values = Array.from(source, Number);
        const kernel = new PageKernel();
        const count = numbers.length;
        const to = kernel.take(4 * count).at;
        const ok = kernel.plain(kind, put(kernel, bytes), { type, count, to, most });
        expect(ok).toBe(values.every((n) => n >= 0 && n <= most));
        if (!ok) return;
        const cells = { u16: Uint16Array, u32: Uint32Array, f32: Float32Array }[kind];
        expect(new cells(kernel.buffer, to, count)).toEqual(cells.from(values));
      }),
    );
  });

  it('ends with the bytes', () => {
    const kernel = new PageKernel();
    const of = { type: 'INT64', count: 3, to: kernel.take(16).at, most: 9 } as const;
    expect(kernel.plain('u32', put(kernel, new Uint8Array(23)), of)).toBe(false);
  });
});
