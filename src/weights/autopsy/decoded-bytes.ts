/** Integer codes as the bytes of their values in F32, decoded by the kernels of conversion. */
import { bandsOf } from '../convert/bands.ts';
import type { ConversionStep } from '../convert/conversion-plan.ts';
import { type BandContext, convertBand } from '../convert/convert-band.ts';
import type { IntTensor } from '../formats/stored-tensor.ts';

/**
 * In row-major order; a piece is void when the next is asked for.
 * @throws FormatError for scales that are NaN, infinite, negative or zero
 */
export function* decodedBytes(tensor: IntTensor, context: BandContext): Generator<Uint8Array> {
  const action = { kind: 'dequantize', to: 'F32' } as const;
  const step: ConversionStep = {
    ...{ tensor, action, outputs: [], scheme: 'f32', group: null, reason: null },
  };
  for (const span of bandsOf(step)) {
    for (const pieces of convertBand({ step, span, absmax: 0 }, context)) {
      for (const { bytes } of pieces) yield bytes;
    }
  }
}
