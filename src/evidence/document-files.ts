/** The bytes of a document, and the files that were written together with it. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sha256Hex } from '../record/canonical.ts';
import { readRegular } from '../record/regular-file.ts';
import type { Discrepancy } from './discrepancy.ts';
import { withoutEditorMarks } from './editor-marks.ts';

/** `file` is relative to the lab, for messages. */
export function readBytes(file: string, path: string): Buffer | Discrepancy {
  if (!existsSync(path))
    return {
      code: 'document-missing',
      message: `${file} was deleted`,
    };
  try {
    return readRegular(path);
  } catch (error) {
    return { code: 'document-unreadable', message: `${file}: ${(error as Error).message}` };
  }
}

/** What was drawn from a document: bytes, since a picture has no numerals to point at. */
export function checkPictures(
  pictures: readonly { file: string; sha256: string }[],
  folder: string,
  root: string,
): Discrepancy[] {
  return pictures.flatMap(({ file: name, sha256 }): Discrepancy[] => {
    const file = `${folder}/${basename(name)}`;
    const bytes = readBytes(file, join(root, file));
    if (!Buffer.isBuffer(bytes)) return [bytes];
    if (sha256Hex(bytes) === sha256) return [];
    return [{ code: 'document-edited', message: `${file} is not what was drawn` }];
  });
}

/** What was written together belongs together: a chart that is gone leaves no trace of its own. */
export function checkBeside(names: readonly string[], folder: string, root: string): Discrepancy[] {
  return names
    .filter((name) => !name.split('/').includes('..'))
    .map((name) => `${folder}/${name}`)
    .filter((file) => !existsSync(join(root, file)))
    .map((file) => {
      const message = `${file} was deleted`;
      return { code: 'document-missing', message };
    });
}

/** How a text differs that has not the SHA-256 of its sidecar `shown`, and every number right. */
export function editedDocument(of: {
  file: string;
  text: string;
  shown: string;
  sha256: string;
}): Discrepancy {
  const { file, text, shown, sha256 } = of;
  const code = 'document-edited';
  const plain = withoutEditorMarks(text);
  if (plain && sha256Hex(plain.text) === sha256) {
    return { code, message: `${file} is as it was written but for ${plain.what}` };
  }
  const message = `${file} does not have the SHA-256 that ${shown} states: one was changed`;
  return { code, message };
}
