/** `assay weights repack IN OUT --format FORMAT` */
import { UsageError } from '../../record/errors.ts';
import { planRepack } from '../../weights/convert/repack.ts';
import type { CommandIo } from '../io.ts';
import { type ConvertOptions, convert } from './weights-convert.ts';

const FORMATS = ['compressed-tensors', 'gptq', 'awq'] as const;

export async function run(
  options: ConvertOptions & { format: string },
  io: CommandIo,
): Promise<number> {
  const format = FORMATS.find((name) => name === options.format);
  if (format === undefined) {
    throw new UsageError(`--format ${options.format}: use one of ${FORMATS.join(', ')}`);
  }
  const settings = { format };
  const plan = (input: Parameters<typeof planRepack>[0]) => planRepack(input, format);
  return convert(options, { verb: 'repack', scheme: 'as stored', settings, plan }, io);
}
