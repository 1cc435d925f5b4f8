import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compileKernels, KERNELS_PATH } from './build-kernels.ts';

it('the kernels that are shipped are those of the sources, to the byte', async () => {
  const bytes = await compileKernels();
  const same = Buffer.compare(bytes, readFileSync(KERNELS_PATH)) === 0;
  expect(same, 'npm run kernels').toBe(true);
});
