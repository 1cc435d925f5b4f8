/** What the compiler leaves out of dist: the kernels, and that the command may be run. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
for (const name of ['kernels', 'statistics']) {
  const file = `weights/kernels/${name}.wasm`;
  copyFileSync(join(root, 'src', file), join(root, 'dist', file));
}
chmodSync(join(root, 'dist/cli/entry.js'), 0o755);
