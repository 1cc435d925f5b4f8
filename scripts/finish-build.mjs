/** What the compiler leaves out of dist: the kernels, and that the command may be run. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const kernels = 'weights/kernels/kernels.wasm';
copyFileSync(join(root, 'src', kernels), join(root, 'dist', kernels));
chmodSync(join(root, 'dist/cli/entry.js'), 0o755);
