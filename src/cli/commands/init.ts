/** `assay init`: a commented experiment file to start from. */
import { constants, copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../../record/errors.ts';
import { storageError } from '../../record/storage-error.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { packageRoot } from '../package.ts';

export async function run(
  options: { file: string; json?: boolean },
  io: CommandIo,
): Promise<number> {
  const path = resolve(io.cwd, options.file);
  try {
    copyFileSync(join(packageRoot(), 'examples', 'experiment.yaml'), path, constants.COPYFILE_EXCL);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') {
      throw new UsageError(`${options.file} is there already`, {
        hint: 'give another name: assay init my-experiment.yaml',
      });
    }
    throw storageError({ doing: 'write', path, cause });
  }
  if (options.json) writeJson(io.stdout, { path });
  else writeLine(io.stdout, `Written: ${options.file}\nNext: assay run ${options.file} --dry-run`);
  return 0;
}
