/**
 * Would a reader find in it what was meant? Every byte was compared when its file was written;
 * here the whole is opened as any reader opens it, and rows of it are decoded by the reference
 * code, which knows nothing of bands and kernels, and compared with the source.
 */
import { GateFailed } from '../../record/errors.ts';
import { encodeF32, type StoredFloat } from '../encode.ts';
import { decodeRows, matrixShape, type RowSpan } from '../formats/decode.ts';
import { refuseProblems } from '../formats/resolve.ts';
import type { ReadAt, StoredTensor } from '../formats/stored-tensor.ts';
import { type LookedAt, lookAt } from '../looked-at.ts';
import { dequantizeMatrix, quantizeMatrix } from '../quantizer.ts';
import { FP8_BLOCK } from '../scheme.ts';
import type { ConversionPlan, ConversionStep } from './conversion-plan.ts';
import { quantizing } from './output-format.ts';
import type { Written } from './write-checkpoint.ts';

/** @throws GateFailed that names the tensor, FormatError for what no reader would take */
export function verifyCheckpoint(
  plan: ConversionPlan,
  { dir, absmaxima }: Pick<Written, 'dir' | 'absmaxima'>,
  readAt: ReadAt,
): void {
  const output = lookAt(dir);
  try {
    refuseProblems(output);
    const byName = new Map(output.tensors.map((tensor) => [tensor.name, tensor]));
    const kinds = new Set<string>();
    for (const { steps } of plan.files) {
      for (const step of steps) {
        const found = byName.get(step.tensor.name);
        if (found === undefined) throw notThere(step, output.path);
        if (step.action.kind === 'copy') continue;
        // One matrix of each scheme: what is alike is laid out alike.
        const kind = `${step.action.kind} ${step.scheme}`;
        if (kinds.has(kind)) continue;
        kinds.add(kind);
        const absmax = absmaxima.get(step.tensor.name) ?? 0;
        for (const span of endsOf(step)) {
          checkRows(step, { found, span, absmax }, { output, readAt });
        }
      }
    }
  } finally {
    output.close();
  }
}

/** The first and the last rows that a block of scales needs together. */
function endsOf({ tensor }: ConversionStep): readonly RowSpan[] {
  const { rows } = matrixShape(tensor);
  const last = Math.floor((rows - 1) / FP8_BLOCK) * FP8_BLOCK;
  const first = { from: 0, to: Math.min(FP8_BLOCK, rows) };
  return last === 0 ? [first] : [first, { from: last, to: rows }];
}

function notThere({ tensor }: ConversionStep, path: string): GateFailed {
  return new GateFailed(`${path}: tensor "${tensor.name}" cannot be read back`, {
    details: { path, tensor: tensor.name },
  });
}

function checkRows(
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
