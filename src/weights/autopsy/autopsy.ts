/** Examines every tensor of a checkpoint, one piece at a time. */
import { setImmediate } from 'node:timers/promises';
import { Cancelled, FormatError } from '../../record/errors.ts';
import { decodeF32 } from '../dtype.ts';
import {
  type Fp8Tensor,
  type IntTensor,
  type PlainTensor,
  type StoredTensor,
  storedScheme,
} from '../formats/stored-tensor.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { plainKernels } from '../kernels/plain-kernels.ts';
import type { StatisticsKernels } from '../kernels/statistics-kernels.ts';
import { wasmKernels } from '../kernels/wasm-kernels.ts';
import { holdsNumbers, type LookedAt, storedValues } from '../looked-at.ts';
import { decodedBytes } from './decoded-bytes.ts';
import type { DepthSeries, Examined } from './depth.ts';
import { type Diagnosis, diagnose, THRESHOLDS } from './diagnose.ts';
import { Fp8Scan } from './fp8-scan.ts';
import { statisticsKernels, TensorScan } from './tensor-scan.ts';
import type { TensorStatistics } from './tensor-statistics.ts';
import type { ScannedDtype } from './value-sums.ts';

export interface Autopsy {
  readonly tensors: readonly (Examined & { readonly bytes: number })[];
  readonly diagnoses: readonly Diagnosis[];
  readonly series: readonly DepthSeries[];
  /** What holds no numbers (positions, masks), or cannot be read as numbers: name and why. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

export interface AutopsyOptions {
  readonly signal: AbortSignal;
  /** After each tensor. */
  onTensor?(tensor: Examined & { readonly bytes: number }): void;
}

/** How much is examined between two looks at the clock and the keyboard. */
const BREATH_BYTES = 2 ** 22;

/**
 * Memory is that of a piece (4 MiB), of the sums over one tensor's columns, and of the results.
 * @throws Cancelled when `signal` is aborted; what was reported by then stays valid
 */
export async function examine(looked: LookedAt, options: AutopsyOptions): Promise<Autopsy> {
  const tensors: (Examined & { bytes: number })[] = [];
  const skipped: { name: string; reason: string }[] = looked.problems.map((problem) => ({
    name: String(problem.details.tensor ?? looked.path),
    reason: problem.message,
  }));
  const scales: Diagnosis[] = [];
  const kernels = statisticsKernels();
  const decoding = wasmKernels() ?? plainKernels();
  let scanned = 0;
  for (const stored of looked.tensors) {
    const { name, shape } = stored;
    if (!holdsNumbers(stored)) {
      skipped.push({ name, reason: `${stored.codes.dtype} holds no weights` });
      continue;
    }
    if (stored.kind !== 'plain') scales.push(...diagnoseScales(stored, looked));
    const scan = startScan(stored, looked, { kernels, decoding });
    try {
      for (const bytes of scan.steps) {
        scanned += bytes;
        if (scanned < BREATH_BYTES) continue;
        scanned = 0;
        // The way in for Ctrl-C and for whoever draws progress.
        await setImmediate();
        if (options.signal.aborted) throw new Cancelled();
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      skipped.push({ name, reason: error.message });
      continue;
    }
    const bytes = stored.codes.bytes + (stored.kind === 'plain' ? 0 : stored.scales.bytes);
    const examined = {
      name,
      shape,
      scheme: storedScheme(stored),
      bytes,
      statistics: scan.finish(),
    };
    tensors.push(examined);
    options.onTensor?.(examined);
  }
  const { diagnoses, series } = diagnose(tensors);
  return { tensors, diagnoses: [...scales, ...diagnoses], series, skipped };
}

interface Scan {
  /** Bytes that were examined, piece after piece. */
  readonly steps: Iterable<number>;
  finish(): TensorStatistics;
}

interface ScanKernels {
  readonly kernels: StatisticsKernels;
  readonly decoding: Kernels;
}

function startScan(stored: StoredTensor, looked: LookedAt, of: ScanKernels): Scan {
  if (stored.kind === 'fp8') {
    const scan = new Fp8Scan(stored, of.kernels);
    return { steps: scan.strips(looked), finish: () => scan.finish() };
  }
  const dtype = scannedDtype(stored);
  const scan = new TensorScan(stored.shape, dtype ?? 'F32', of.kernels);
  const steps =
    dtype === null
      ? decoded(scan, valuesOf(stored, looked, of.decoding))
      : read(scan, stored, looked);
  return { steps, finish: () => scan.finish() };
}

/** Of bytes that are examined as they are; null: values are decoded to F32. */
function scannedDtype(stored: PlainTensor | IntTensor): ScannedDtype | null {
  if (stored.kind !== 'plain') return null;
  const { dtype } = stored.codes;
  return dtype === 'BF16' || dtype === 'F16' || dtype === 'F32' ? dtype : null;
}

function* read(
  scan: TensorScan,
  { codes: { location, bytes } }: PlainTensor | IntTensor,
  { readInto }: LookedAt,
): Generator<number> {
  const room = scan.room();
  for (let from = 0; from < bytes; from += room.length) {
    const piece = room.subarray(0, bytes - from);
    readInto({ file: location.file, offset: location.offset + from }, piece);
    scan.addRoom(piece.length);
    yield piece.length;
  }
}

function valuesOf(
  stored: PlainTensor | IntTensor,
  { readAt, readInto }: LookedAt,
  kernels: Kernels,
): Iterable<Uint8Array | Float32Array> {
  if (stored.kind === 'plain') return storedValues(stored, readAt);
  return decodedBytes(stored, { kernels, reader: { readAt, readInto } });
}

function* decoded(
  scan: TensorScan,
  pieces: Iterable<Uint8Array | Float32Array>,
): Generator<number> {
  for (const piece of pieces) {
    scan.add(piece);
    yield piece.byteLength;
  }
}

/** A scale that is no positive number, or far above its like, makes every weight under it wrong. */
export function diagnoseScales(
  { name, scales }: Fp8Tensor | IntTensor,
  { readAt }: Pick<LookedAt, 'readAt'>,
): Diagnosis[] {
  const values = decodeF32(readAt(scales.location, scales.bytes), scales.dtype);
  const shared = { code: 'suspicious-scale', tensor: name } as const;
  const bad = values.findIndex((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY));
  if (bad >= 0) {
    const value = values[bad]!;
    const message = `${scales.name}[${bad}] is ${value}; a scale is positive and finite`;
    return [{ ...shared, severity: 'error', row: null, value, threshold: 0, message }];
  }
  const largest = values.reduce((most, scale, i) => (scale > values[most]! ? i : most), 0);
  const median = values.toSorted()[values.length >> 1] ?? 0;
  const value = (values[largest] ?? 0) / median;
  if (!(value > THRESHOLDS.scale)) return [];
  const message =
    `${scales.name}[${largest}] is ${value.toPrecision(4)} times the median scale, above ` +
    `${THRESHOLDS.scale}`;
  const threshold = THRESHOLDS.scale;
  return [{ ...shared, severity: 'warning', row: null, value, threshold, message }];
}
