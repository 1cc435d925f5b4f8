/** `assay weights quantize IN OUT --scheme SCHEME --format FORMAT` */
import { UsageError } from '../../record/errors.ts';
import { planQuantize } from '../../weights/convert/conversion-plan.ts';
import { OUTPUT_FORMATS } from '../../weights/convert/output-format.ts';
import { parseScheme } from '../../weights/scheme.ts';
import type { CommandIo } from '../io.ts';
import { type ConvertOptions, convert } from './weights-convert.ts';

interface Options extends ConvertOptions {
  scheme: string;
  format: string;
  ignore?: string[];
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const scheme = parseScheme(options.scheme);
  const format = OUTPUT_FORMATS.find((name) => name === options.format);
  if (format === undefined) {
    throw new UsageError(`--format ${options.format}: use one of ${OUTPUT_FORMATS.join(', ')}`);
  }
  const { ignore = [] } = options;
  return convert(
    options,
    {
      verb: 'quantize',
      scheme: scheme.text,
      settings: { scheme: scheme.text, format, ignore },
      plan: (input) => planQuantize(input, { scheme, format, ignore }),
    },
    io,
  );
}
