/**
 * The command as users get it: built from the sources as they are now. A test file that imports
 * this never runs an old build, also when vitest is started by hand.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

export const projectRoot = resolve(import.meta.dirname, '../..');
export const entryPath = join(projectRoot, 'dist/cli/entry.js');

/** Time of the newest source in our last build; beside the packages, not in what we ship. */
const CACHE = join(projectRoot, 'node_modules/.cache');
const STAMP = join(CACHE, 'assay-built');
const LOCK = join(CACHE, 'assay-building');
const LOCK_STALE_MS = 60_000;

buildIfOld();

function buildIfOld(): void {
  mkdirSync(CACHE, { recursive: true });
  while (isOld()) {
    if (!locked()) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      continue;
    }
    try {
      if (isOld()) build();
    } finally {
      rmSync(LOCK, { recursive: true, force: true });
    }
  }
}

function isOld(): boolean {
  if (!existsSync(entryPath) || !existsSync(STAMP)) return true;
  return newestSource() > Number(readFileSync(STAMP, 'utf8'));
}

function newestSource(): number {
  const folder = join(projectRoot, 'src');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|wasm)$/.test(name) && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name));
  const config = join(projectRoot, 'tsconfig.build.json');
  return Math.max(...[...sources, config].map((path) => statSync(path).mtimeMs));
}

/** Making a directory is atomic: of several test processes one builds, the others wait. */
function locked(): boolean {
  const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs;
  if (since !== undefined && Date.now() - since > LOCK_STALE_MS) {
    rmSync(LOCK, { recursive: true, force: true });
  }
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    return false;
  }
}

/** What is edited meanwhile is newer than the stamp, and is built again by whoever looks next. */
function build(): void {
  const newest = newestSource();
  const tsc = join(projectRoot, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(projectRoot, 'tsconfig.build.json')];
  for (const step of [args, [join(projectRoot, 'scripts/finish-build.mjs')]]) {
    execFileSync(process.execPath, step, { stdio: ['ignore', 'inherit', 'inherit'] });
  }
  writeFileSync(STAMP, String(newest));
}
