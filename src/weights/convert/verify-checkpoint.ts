/**
 * Is what lies on the disk what was meant? Every byte of every weight file is read back and
 * compared with the checksum that it had in memory; then the whole is opened as any reader opens
 * it, and its first and last rows are decoded by the reference code and compared with the source.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { GateFailed } from '../../record/errors.ts';
import { encodeF32, type StoredFloat } from '../encode.ts';
import { decodeRows, type RowSpan } from '../formats/decode.ts';
import { refuseProblems } from '../formats/resolve.ts';
import type { ReadAt, StoredTensor } from '../formats/stored-tensor.ts';
import { type LookedAt, lookAt } from '../looked-at.ts';
import { dequantizeMatrix, quantizeMatrix } from '../quantizer.ts';
import type { ConversionPlan, ConversionStep } from './conversion-plan.ts';
import { quantizing } from './output-format.ts';
import { absmaxOf, bandsOf } from './step-pieces.ts';
import type { Extent, Written } from './write-checkpoint.ts';

const READ_BYTES = 2 ** 22;

/** @throws GateFailed that names file, offset and tensor of the first difference */
export function verifyCheckpoint(plan: ConversionPlan, written: Written, readAt: ReadAt): void {
  for (const { name, layout } of plan.files) {
    const path = join(written.dir, name);
    const { size } = statSync(path);
    if (size !== layout.fileBytes) {
      throw differs(path, { offset: size, expected: layout.fileBytes, got: size });
    }
    checkExtents(path, layout.fileBytes, written.extents.get(name)!);
  }
  const output = lookAt(written.dir);
  try {
    refuseProblems(output);
    checkValues(plan, output, readAt);
  } finally {
    output.close();
  }
}

function differs(path: string, details: { offset: number; expected: unknown; got: unknown }) {
  return new GateFailed(`${path}: not what was written, at offset ${details.offset}`, {
    hint: 'the disk or another process changed it; check the disk, then convert again',
    details: { path, ...details },
  });
}

/** The extents must cover the file, each byte once, and have their checksums. */
function checkExtents(path: string, fileBytes: number, extents: readonly Extent[]): void {
  const fd = openSync(path, 'r');
  try {
    let next = 0;
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (const extent of [...extents].sort((a, b) => a.offset - b.offset || a.length - b.length)) {
      const { offset, length, crc } = extent;
      if (offset !== next) throw differs(path, { offset: next, expected: offset, got: next });
      let sum = 0;
      for (let done = 0; done < length; ) {
        const want = Math.min(READ_BYTES, length - done);
        const got = readSync(fd, buffer, 0, want, offset + done);
        if (got === 0) throw differs(path, { offset: offset + done, expected: length, got: done });
        sum = crc32(buffer.subarray(0, got), sum);
        done += got;
      }
      if (sum !== crc) throw differs(path, { offset, expected: crc, got: sum });
      next = offset + length;
    }
    if (next !== fileBytes) throw differs(path, { offset: next, expected: fileBytes, got: next });
  } finally {
    closeSync(fd);
  }
}

function checkValues(plan: ConversionPlan, output: LookedAt, readAt: ReadAt): void {
  const byName = new Map(output.tensors.map((tensor) => [tensor.name, tensor]));
  for (const { steps } of plan.files) {
    for (const step of steps) {
      const found = byName.get(step.tensor.name);
      if (found === undefined) throw notThere(step, output.path);
      if (step.action.kind === 'copy') continue;
      const bands = bandsOf(step);
      const absmax = absmaxOf(step, readAt);
      for (const span of new Set([bands[0], bands.at(-1)])) {
        if (span !== undefined) checkBand(step, { found, span, absmax }, { output, readAt });
      }
    }
  }
}

function notThere({ tensor }: ConversionStep, path: string): GateFailed {
  return new GateFailed(`${path}: tensor "${tensor.name}" cannot be read back`, {
    details: { path, tensor: tensor.name },
  });
}

function checkBand(
  step: ConversionStep,
  { found, span, absmax }: { found: StoredTensor; span: RowSpan; absmax: number },
  { output, readAt }: { output: LookedAt; readAt: ReadAt },
): void {
  const source = decodeRows(step.tensor, span, readAt);
  const stored = decodeRows(found, span, output.readAt);
  const expected = expectedValues(step, { source, absmax });
  const dtype: StoredFloat = step.action.kind === 'dequantize' ? step.action.to : 'F32';
  const same = Buffer.compare(encodeF32(expected, dtype), encodeF32(stored, dtype)) === 0;
  if (same) return;
  const at = stored.findIndex((value, i) => !Object.is(value, expected[i]));
  throw new GateFailed(`${output.path}: tensor "${found.name}" is not what its source gives`, {
    hint: 'this is a bug of the conversion: please report it',
    details: { tensor: found.name, index: at, expected: expected[at], got: stored[at] },
  });
}

function expectedValues(
  { action, tensor }: ConversionStep,
  { source, absmax }: { source: Float32Array; absmax: number },
): Float32Array {
  if (action.kind !== 'quantize') return source;
  const rows = source.length / action.packed.cols;
  const options = { ...quantizing(action.packed), rows, name: tensor.name, absmax };
  return dequantizeMatrix(quantizeMatrix(source, options));
}
