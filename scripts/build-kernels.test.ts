import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compileModule, WASM_MODULES } from './build-kernels.ts';

it.each(WASM_MODULES)('$name is that of its sources, to the byte', async (module) => {
  const bytes = await compileModule(module);
  const shipped = readFileSync(join(module.folder, module.name));
  expect(Buffer.compare(bytes, shipped) === 0, 'npm run kernels').toBe(true);
});
