/**
 * Where the files of a checkpoint may lead. A directory from a stranger (an archive, a repository)
 * can hold a `tokenizer.json` that links to a private key; converting it would copy the key into a
 * model that is then published. So a link may lead anywhere inside the directory, or, in a snapshot
 * of the hub's cache, to the blobs beside it, which is what that cache is made of:
 *
 *   models--org--name/snapshots/<commit>/model.safetensors -> ../../blobs/<hash>
 *
 * The directory itself may be a link: whoever named it chose it.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { FormatError } from '../record/errors.ts';

/** @throws FormatError for the first of the files that leads out; absent ones are not looked at */
export function refuseOutsideLinks(dir: string, names: readonly string[]): void {
  const root = realpathSync(dir);
  const inSnapshot = basename(dirname(root)) === 'snapshots';
  const allowed = [root, ...(inSnapshot ? [join(dirname(dirname(root)), 'blobs')] : [])];
  for (const name of names) {
    let real: string;
    try {
      real = realpathSync(join(dir, name));
    } catch {
      continue;
    }
    if (allowed.some((base) => real.startsWith(base.endsWith(sep) ? base : base + sep))) continue;
    const path = join(dir, name);
    throw new FormatError(`${path}: a link out of the model's directory, to ${real}`, {
      hint: `copy the file into ${dir}, or name the directory that it lies in`,
      details: { path, expected: `a file in ${root}`, got: real },
    });
  }
}
