/**
 * The one vocabulary for how weights are stored: variants, plans, engines and records use these
 * words and no others.
 */
import { UsageError } from '../record/errors.ts';

export type Family = 'float' | 'fp8' | 'int';

export interface Scheme {
  /** e.g. `int4-asym-g64`. An effective scheme may have a group that no requested one has. */
  readonly text: string;
  readonly family: Family;
  /** Bits of one code, without scales and zero points. */
  readonly bits: 32 | 16 | 8 | 4;
  /** What shares one scale: nothing, a 128×128 block, the matrix, a row, or `group` columns. */
  readonly layout: 'none' | 'block' | 'tensor' | 'channel' | 'group';
  /** Columns per scale for `group`, 128 for `block`, null otherwise. */
  readonly group: number | null;
  /** False: codes have a zero point. */
  readonly symmetric: boolean;
}

const float = (text: string, bits: 32 | 16): Scheme => ({
  text,
  family: 'float',
  bits,
  layout: 'none',
  group: null,
  symmetric: true,
});

function grouped(bits: 8 | 4, group: number, symmetric: boolean): Scheme {
  const text = `int${bits}-${symmetric ? '' : 'asym-'}g${group}`;
  return { text, family: 'int', bits, layout: 'group', group, symmetric };
}

function eightBits(text: string, family: Family, layout: 'channel' | 'tensor'): Scheme {
  return { text, family, bits: 8, layout, group: null, symmetric: true };
}

/** Side of an FP8 block, in rows and in columns. */
export const FP8_BLOCK = 128;

/** Whatever the checkpoint holds, quantized or not: its own weights as they are stored. */
export const STORED: Scheme = float('stored', 32);

/** Everything that can be asked for, in the order in which it is shown. */
export const SCHEMES: readonly Scheme[] = [
  float('f32', 32),
  float('bf16', 16),
  float('f16', 16),
  {
    text: 'fp8-block128',
    family: 'fp8',
    bits: 8,
    layout: 'block',
    group: FP8_BLOCK,
    symmetric: true,
  },
  eightBits('fp8-channel', 'fp8', 'channel'),
  eightBits('fp8-tensor', 'fp8', 'tensor'),
  eightBits('int8-channel', 'int', 'channel'),
  grouped(8, 128, true),
  grouped(4, 32, true),
  grouped(4, 64, true),
  grouped(4, 128, true),
  grouped(4, 32, false),
  grouped(4, 64, false),
  grouped(4, 128, false),
  STORED,
];

/** @throws UsageError that lists every scheme there is. */
export function parseScheme(text: string): Scheme {
  const found = SCHEMES.find((scheme) => scheme.text === text);
  if (found === undefined) {
    throw new UsageError(`unknown scheme "${text}"`, {
      hint: `use one of: ${SCHEMES.map((scheme) => scheme.text).join(', ')}`,
      details: { got: text, expected: SCHEMES.map((scheme) => scheme.text) },
    });
  }
  return found;
}

/** The same scheme at another group: what a tensor gets where the requested one does not divide. */
export function withGroup(scheme: Scheme, group: number): Scheme {
  if (scheme.layout !== 'group' || scheme.bits > 8) {
    throw new TypeError(`scheme ${scheme.text} has no group to change`);
  }
  return grouped(scheme.bits === 4 ? 4 : 8, group, scheme.symmetric);
}

/** What a quantized checkpoint is stored as, which may be nothing that can be asked for. */
export function storedAs(
  stored: Pick<Scheme, 'text' | 'family' | 'bits' | 'group' | 'symmetric'>,
): Scheme {
  const grouping = stored.group === null ? 'channel' : 'group';
  return { ...stored, layout: stored.family === 'fp8' ? 'block' : grouping };
}

/**
 * True where no CPU kernel computes in this scheme: the stored values are exact and the arithmetic
 * is f32, so that quality holds while speed and resident memory are not those of the scheme.
 */
export function isSimulatedOnCpu(scheme: Scheme): boolean {
  return scheme.family === 'fp8' || (scheme.family === 'float' && scheme.bits === 16);
}
