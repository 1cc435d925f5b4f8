import fc from 'fast-check';
import { expect, test } from 'vitest';
import { below, indexStream, sfc32 } from './random.ts';

test('many draws at once are the draws one by one, whatever the sizes asked for', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 8 });
  const n = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(fc.integer(), n, sizes, (seed, n, lengths) => {
      const fill = indexStream(seed);
      const random = sfc32(seed);
      for (const length of lengths) {
        const drawn = new Int32Array(length);
        fill(drawn, n);
        expect([...drawn]).toEqual(Array.from(drawn, () => below(random, n)));
      }
    }),
  );
});
