/** What the compiler leaves out of dist: compiled WASM, and that the command may be run. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const compiled = [
  ...['weights/kernels/kernels', 'weights/kernels/statistics'],
  ...['routing/scan-lines', 'routing/count-routes', 'routing/parquet-pages'],
];
for (const name of compiled) {
  const wasm = `${name}.wasm`;
  copyFileSync(join(root, 'src', wasm), join(root, 'dist', wasm));
}
chmodSync(join(root, 'dist/cli/entry.js'), 0o755);
