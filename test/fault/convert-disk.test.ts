/** A disk that is too small, and one that fills up midway: refused, and nothing is left. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LimitError, StorageError } from '../../src/record/errors.ts';
import { planQuantize } from '../../src/weights/convert/conversion-plan.ts';
import { convertCheckpoint } from '../../src/weights/convert/convert-checkpoint.ts';
import { lookAt } from '../../src/weights/looked-at.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';
import { smallDisk } from '../support/small-disk.ts';

const disk = smallDisk(1 << 20);
if (disk === null) console.log('skipped: no tmpfs may be mounted here');
const dir = mkdtempSync(join(tmpdir(), 'assay-convert-disk-'));
beforeAll(() => writeSmallCheckpoint(join(dir, 'model')));
afterAll(() => {
  rmSync(dir, { recursive: true });
  disk?.remove();
});

describe.skipIf(disk === null)('a disk of a megabyte', () => {
  async function write(onTensor: () => void): Promise<unknown> {
    const from = join(dir, 'model');
    const input = lookAt(from);
    const request = { scheme: parseScheme('fp8-block128'), format: 'fp8', ignore: [] } as const;
    const out = join(disk!.path, 'out');
    try {
      const plan = planQuantize(input, request);
      return await convertCheckpoint(
        { input, plan, out },
        { verify: false, hash: false, onTensor },
      );
    } finally {
      input.close();
    }
  }

  it('that is full before the start', async () => {
    disk!.fill();
    await expect(write(() => {})).rejects.toThrow(LimitError);
    expect(readdirSync(disk!.path)).toEqual(['.filler']);
    disk!.free();
  });

  it('that fills up after the first tensor', async () => {
    let first = true;
    const fill = (): void => {
      if (first) disk!.fill();
      first = false;
    };
    await expect(write(fill)).rejects.toThrow(StorageError);
    expect(readdirSync(disk!.path)).toEqual(['.filler']);
    disk!.free();
  });
});
