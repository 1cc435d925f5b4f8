/** `assay weights dequantize IN OUT` */
import { UsageError } from '../../record/errors.ts';
import { planDequantize } from '../../weights/convert/conversion-plan.ts';
import type { StoredFloat } from '../../weights/encode.ts';
import type { CommandIo } from '../io.ts';
import { type ConvertOptions, convert } from './weights-convert.ts';

const TARGETS: Readonly<Record<string, StoredFloat>> = { bf16: 'BF16', f16: 'F16', f32: 'F32' };

export async function run(
  options: ConvertOptions & { to: string },
  io: CommandIo,
): Promise<number> {
  const to = TARGETS[options.to];
  if (to === undefined) {
    throw new UsageError(`--to ${options.to}: use bf16, f16 or f32`);
  }
  const settings = { to: options.to };
  const plan = (input: Parameters<typeof planDequantize>[0]) => planDequantize(input, to);
  return convert(options, { verb: 'dequantize', scheme: options.to, settings, plan }, io);
}
