/**
 * AssemblyScript → WASM: `npm run kernels`. One memory from outside, no allocator, nothing else
 * imported; equal sources give equal bytes.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import asc from 'assemblyscript/asc';

export interface WasmModule {
  /** Holds the folder `assembly`. */
  readonly folder: string;
  readonly sources: readonly string[];
  /** Of the compiled module, in the folder. */
  readonly name: string;
  /** Its memory stays where it is when it grows. */
  readonly shared?: boolean;
}

const source = resolve(import.meta.dirname, '../src');
export const WASM_MODULES: readonly WasmModule[] = [
  {
    folder: join(source, 'weights/kernels'),
    sources: ['fp8-decode', 'extremes', 'encode', 'int-decode', 'words'],
    name: 'kernels.wasm',
  },
  {
    folder: join(source, 'weights/kernels'),
    sources: ['counts', 'column-squares', 'moments', 'fp8-statistics'],
    name: 'statistics.wasm',
  },
  { folder: join(source, 'routing'), sources: ['scan-lines'], name: 'scan-lines.wasm' },
  {
    folder: join(source, 'routing'),
    sources: ['block', 'check-routes', 'tally-routes'],
    name: 'count-routes.wasm',
    shared: true,
  },
  {
    folder: join(source, 'routing'),
    sources: ['snappy', 'hybrid', 'plain-values'],
    name: 'parquet-pages.wasm',
  },
];

const FLAGS = [
  ...['--enable', 'simd', '-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  ...['--importMemory', '--noExportMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  // Vectors pass between our own files only.
  ...['--disableWarning', '112'],
];
const SHARED = ['--enable', 'threads', '--sharedMemory'];

/** @throws Error with the compiler's messages */
export async function compileModule(module: WasmModule): Promise<Uint8Array> {
  const { folder, sources, name, shared = false } = module;
  let wasm: Uint8Array | null = null;
  const files = sources.map((file) => `assembly/${file}.ts`);
  const { error, stderr } = await asc.main(
    [...files, '--baseDir', folder, '--outFile', name, ...FLAGS, ...(shared ? SHARED : [])],
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
  for (const module of WASM_MODULES) {
    const bytes = await compileModule(module);
    const path = join(module.folder, module.name);
    writeFileSync(path, bytes);
    console.log(`${path}: ${bytes.length} bytes`);
  }
}
