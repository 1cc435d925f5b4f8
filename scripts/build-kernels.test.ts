import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compileKernels, KERNEL_FILES, kernelPath } from './build-kernels.ts';

it.each(KERNEL_FILES)('%s, which is shipped, is that of the sources, to the byte', async (file) => {
  const bytes = await compileKernels(file);
  const same = Buffer.compare(bytes, readFileSync(kernelPath(file))) === 0;
  expect(same, 'npm run kernels').toBe(true);
});
