/** Headers of pages, as hyparquet reads them. */
import fc from 'fast-check';
import { parquetHeader } from 'hyparquet/src/column.js';
import { Encodings } from 'hyparquet/src/constants.js';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import { expect, it } from 'vitest';
import { readPageHeader } from './parquet-header.ts';

const number = fc.oneof(fc.nat(200), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const bytes = fc.uint8Array({ maxLength: 200 });
/** Everything that the format has in a header, and more of what may be added to it. */
const statistics = fc.option(
  fc.record({
    field_1: bytes,
    field_3: fc.bigInt(0n, 2n ** 40n),
    field_5: bytes,
    field_7: fc.boolean(),
  }),
  { nil: undefined },
);
const encoding = fc.constantFrom(0, 2, 3, 8);
const first = fc.record({
  ...{ field_1: number, field_2: encoding, field_3: encoding, field_4: encoding },
  field_5: statistics,
});
const dictionary = fc.record({ field_1: number, field_2: encoding, field_3: fc.boolean() });
const second = fc.record({
  ...{ field_1: number, field_2: number, field_3: number, field_4: encoding },
  ...{ field_5: number, field_6: number },
  ...{ field_7: fc.option(fc.boolean(), { nil: undefined }), field_8: statistics },
});
const more = fc.record({
  field_1: fc.array(fc.integer(), { maxLength: 20 }),
  field_20: statistics,
});
const page = fc.oneof(
  fc.record({ field_1: fc.constant(0), field_5: first }),
  fc.record({ field_1: fc.constant(2), field_7: dictionary }),
  fc.record({ field_1: fc.constant(3), field_8: second }),
);
const headers = fc.tuple(page, number, number, more).map(([of, unpacked, packed, field_9]) => {
  const writer = new ByteWriter();
  const { field_1, ...rest } = of;
  serializeTCompactProtocol(writer, {
    field_1,
    field_2: unpacked,
    field_3: packed,
    ...rest,
    field_9,
  });
  return writer.getBytes();
});

function expected(written: Uint8Array) {
  const view = new DataView(written.buffer, written.byteOffset, written.byteLength);
  const reader = { view, offset: 0 };
  const of = parquetHeader(reader);
  const [a, b, c] = [of.data_page_header, of.dictionary_page_header, of.data_page_header_v2];
  const kind = a ? 'first' : b ? 'dictionary' : 'second';
  const header = {
    ...{ of: kind, packed: of.compressed_page_size, unpacked: of.uncompressed_page_size },
    values: (a ?? b ?? c)?.num_values,
    encoding: Encodings.indexOf((a ?? b ?? c)?.encoding ?? 'PLAIN'),
    ...{ nulls: c?.num_nulls ?? 0, definitionBytes: c?.definition_levels_byte_length ?? 0 },
    repetitionBytes: c?.repetition_levels_byte_length ?? 0,
    isCompressed: c?.is_compressed ?? true,
  };
  return { header, length: reader.offset };
}

it('are read as hyparquet reads them', () => {
  fc.assert(
    fc.property(headers, (of) => {
      expect(readPageHeader(of)).toEqual(expected(of));
    }),
  );
});

it('that end early are an error', () => {
  fc.assert(
    fc.property(headers, fc.nat(), (of, cut) => {
      expect(() => readPageHeader(of.subarray(0, cut % of.length))).toThrow(RangeError);
    }),
  );
});

it('of any bytes end: in a header or in an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
      try {
        expect(readPageHeader(any).length).toBeLessThanOrEqual(any.length);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 1000 },
  );
});
