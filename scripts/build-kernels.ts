/**
 * src/weights/kernels/assembly → kernels.wasm and statistics.wasm: `npm run kernels`. One memory
 * from outside, no allocator, nothing else imported; equal sources give equal bytes.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import asc from 'assemblyscript/asc';

const folder = resolve(import.meta.dirname, '../src/weights/kernels');
/** Output → its sources. */
const SOURCES = {
  'kernels.wasm': ['fp8-decode', 'extremes', 'encode', 'int-decode', 'words'],
  'statistics.wasm': ['counts', 'column-squares', 'moments'],
} as const;
export type KernelFile = keyof typeof SOURCES;
export const KERNEL_FILES = Object.keys(SOURCES) as KernelFile[];
const FLAGS = [
  ...['--enable', 'simd', '-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  ...['--importMemory', '--noExportMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  // Vectors pass between our own files only.
  ...['--disableWarning', '112'],
];

export const kernelPath = (file: KernelFile): string => join(folder, file);

/** @throws Error with the compiler's messages */
export async function compileKernels(file: KernelFile): Promise<Uint8Array> {
  let wasm: Uint8Array | null = null;
  const files = SOURCES[file].map((name) => `assembly/${name}.ts`);
  const { error, stderr } = await asc.main(
    [...files, '--baseDir', folder, '--outFile', file, ...FLAGS],
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
  for (const file of KERNEL_FILES) {
    const bytes = await compileKernels(file);
    writeFileSync(kernelPath(file), bytes);
    console.log(`${kernelPath(file)}: ${bytes.length} bytes`);
  }
}
