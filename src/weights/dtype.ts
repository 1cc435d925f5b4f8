/**
 * Number formats of checkpoints ↔ Float32Array. Decoding is exact for every format (F64 excepted,
 * which is rounded to the nearest f32); encoding rounds to nearest, ties to even.
 *
 * All loops run over typed arrays of the host's byte order. Every platform that Node supports here
 * is little-endian, as safetensors is.
 */
import { FormatError } from '../record/errors.ts';
import type { Dtype, TensorSource } from './source.ts';

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = {
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  BF16: 2,
  F16: 2,
  F32: 4,
  F64: 8,
  I8: 1,
  U8: 1,
  I16: 2,
  I32: 4,
  I64: 8,
  BOOL: 1,
};

const FLOATS: readonly Dtype[] = ['F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'BF16', 'F16', 'F32', 'F64'];

export function isFloat(dtype: Dtype): boolean {
  return FLOATS.includes(dtype);
}

/** Dtypes that hold weights as they are; FP8 codes mean nothing without their scales. */
export function isPlainFloat(dtype: Dtype): boolean {
  return dtype === 'F32' || dtype === 'BF16' || dtype === 'F16' || dtype === 'F64';
}

/** Largest finite value of E4M3FN. */
export const E4M3_MAX = 448;

/** One E4M3FN code (1-4-3, bias 7, no infinity, 0x7F and 0xFF are NaN) as a number. */
export function decodeE4m3(code: number): number {
  const exponent = (code >> 3) & 15;
  const mantissa = code & 7;
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  const size = exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7);
  return code & 0x80 ? -size : size;
}

/** One E5M2 code (IEEE-like: infinities and NaN) as a number. */
function decodeE5m2(code: number): number {
  const exponent = (code >> 2) & 31;
  const mantissa = code & 3;
  if (exponent === 31) {
    if (mantissa !== 0) return Number.NaN;
    return code & 0x80 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const size = exponent === 0 ? mantissa * 2 ** -16 : (1 + mantissa / 4) * 2 ** (exponent - 15);
  return code & 0x80 ? -size : size;
}

/** One E8M0 code, a power of two: 2^(code−127); 255 is NaN. There is no sign and no zero. */
export function decodeE8m0(code: number): number {
  return code === 255 ? Number.NaN : 2 ** (code - 127);
}

/** One F16 code (IEEE 754 half precision) as a number. */
export function decodeF16(code: number): number {
  const exponent = (code >> 10) & 31;
  const mantissa = code & 1023;
  if (exponent === 31) {
    if (mantissa !== 0) return Number.NaN;
    return code & 0x8000 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const size = exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
  return code & 0x8000 ? -size : size;
}

/** All 256 values of E4M3FN by code. */
export const E4M3_VALUES: Float32Array = Float32Array.from({ length: 256 }, (_, code) =>
  decodeE4m3(code),
);

const tables = new Map<Dtype, Float32Array>([['F8_E4M3', E4M3_VALUES]]);

/** Built on first use: 1 KiB for a byte format, 256 KiB for F16. */
function tableOf(dtype: 'F8_E4M3' | 'F8_E5M2' | 'F8_E8M0' | 'F16'): Float32Array {
  let table = tables.get(dtype);
  if (table === undefined) {
    const length = dtype === 'F16' ? 65536 : 256;
    const decode = {
      F8_E4M3: decodeE4m3,
      F8_E5M2: decodeE5m2,
      F8_E8M0: decodeE8m0,
      F16: decodeF16,
    };
    table = Float32Array.from({ length }, (_, code) => decode[dtype](code));
    tables.set(dtype, table);
  }
  return table;
}

/** Typed-array views need aligned bytes; a copy is made only where they are not. */
function aligned(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.byteOffset % width === 0 ? bytes : bytes.slice();
}

/**
 * Little-endian bytes of a float dtype as f32, exact (F64 rounds to nearest; beyond the range of
 * f32 it becomes ±Infinity). NaNs stay NaN. F32 bytes are viewed, not copied, when aligned.
 * @throws FormatError for a dtype that is not a float.
 */
export function decodeF32(bytes: Uint8Array, dtype: Dtype): Float32Array {
  const length = bytes.byteLength / DTYPE_BYTES[dtype];
  const at = aligned(bytes, DTYPE_BYTES[dtype]);
  switch (dtype) {
    case 'F32':
      return new Float32Array(at.buffer, at.byteOffset, length);
    case 'BF16': {
      const codes = new Uint16Array(at.buffer, at.byteOffset, length);
      const bits = new Uint32Array(length);
      for (let i = 0; i < length; i++) bits[i] = codes[i]! << 16;
      return new Float32Array(bits.buffer);
    }
    case 'F16':
      return lookUp(new Uint16Array(at.buffer, at.byteOffset, length), tableOf(dtype));
    case 'F64':
      return Float32Array.from(new Float64Array(at.buffer, at.byteOffset, length));
    case 'F8_E4M3':
    case 'F8_E5M2':
    case 'F8_E8M0':
      return lookUp(at, tableOf(dtype));
    default:
      throw new FormatError(`dtype ${dtype} does not hold floating-point numbers`, {
        hint: 'only float tensors can be read as f32',
        details: { expected: FLOATS, got: dtype },
      });
  }
}

function lookUp(codes: Uint8Array | Uint16Array, table: Float32Array): Float32Array {
  const out = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) out[i] = table[codes[i]!]!;
  return out;
}

/**
 * One tensor as f32, row-major. An FP8 tensor comes back without its scales applied.
 * @throws FormatError for an unknown name or a dtype that is not a float.
 */
export function readF32(source: TensorSource, name: string): Float32Array {
  const { dtype } = source.info(name);
  if (!isFloat(dtype)) {
    throw new FormatError(`tensor "${name}" has dtype ${dtype}, which is not a float`, {
      hint: 'only float tensors can be read as f32',
      details: { tensor: name, expected: FLOATS, got: dtype },
    });
  }
  return decodeF32(source.read(name), dtype);
}
