/**
 * The kernels of src/weights/kernels/assembly → kernels.wasm: `npm run kernels`. One memory from
 * outside, no allocator, nothing else imported; equal sources give equal bytes.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import asc from 'assemblyscript/asc';

const folder = resolve(import.meta.dirname, '../src/weights/kernels');
const SOURCES = ['fp8-decode', 'extremes', 'encode', 'int-decode', 'words'];
const FLAGS = [
  ...['--enable', 'simd', '-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  ...['--importMemory', '--noExportMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  // Vectors pass between our own files only.
  ...['--disableWarning', '112'],
];

export const KERNELS_PATH = join(folder, 'kernels.wasm');

/** @throws Error with the compiler's messages */
export async function compileKernels(): Promise<Uint8Array> {
  let wasm: Uint8Array | null = null;
  const files = SOURCES.map((name) => `assembly/${name}.ts`);
  const { error, stderr } = await asc.main(
    [...files, '--baseDir', folder, '--outFile', 'kernels.wasm', ...FLAGS],
    {
      writeFile(_name, contents) {
        wasm = contents as Uint8Array;
      },
    },
  );
  if (error !== null || wasm === null) throw new Error(`asc: ${stderr.toString()}`);
  return wasm;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const bytes = await compileKernels();
  writeFileSync(KERNELS_PATH, bytes);
  console.log(`${KERNELS_PATH}: ${bytes.length} bytes`);
}
