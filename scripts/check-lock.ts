/**
 * Every optional dependency in package-lock.json has an entry, also those of other platforms.
 * npm leaves out what its registry did not have when the lock was written, and npm 11 then refuses
 * `npm ci` on every machine ("Missing: … from lock file"). `--write` adds the entries, without a
 * hash: there is no file here to take one from.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Problem, reportProblems } from './source-tree.ts';

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly license?: string;
  readonly optional?: boolean;
  readonly cpu?: readonly string[];
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
  readonly engines?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface PackageLock {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

const EXACT = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** Entries that the lock lacks, by their path in it. */
export function missingEntries(lock: PackageLock): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const candidates = foldersAbove(path).map((folder) => `${folder}node_modules/${name}`);
      const found = candidates.map((key) => lock.packages[key]).filter((one) => one !== undefined);
      // One of another version belongs to somebody else; what a range means is for npm to say.
      if (found.some((one) => one.version === version) || !EXACT.test(version)) continue;
      const beside = path.slice(0, path.lastIndexOf('node_modules/'));
      missing[`${beside}node_modules/${name}`] = entryOf(name, version, entry);
    }
  }
  return missing;
}

/** Where Node looks for a package from `path`: in itself, then in every folder above. */
function foldersAbove(path: string): string[] {
  const parts = path.split('node_modules/');
  return parts.map((_, count) => parts.slice(0, count).join('node_modules/')).concat(`${path}/`);
}

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const CPUS = ['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];

/** Platform packages are called after their platform: `binding-linux-arm64-musl`. */
function entryOf(name: string, version: string, parent: LockEntry): LockEntry {
  const words = name.split(/[/-]/);
  const os = words.filter((word) => SYSTEMS.includes(word));
  const cpu = words.filter((word) => CPUS.includes(word));
  const musl = words.some((word) => word.startsWith('musl'));
  const glibc = words.some((word) => word.startsWith('gnu'));
  const libc = musl ? ['musl'] : glibc ? ['glibc'] : [];
  return {
    version,
    ...(cpu.length > 0 && { cpu }),
    ...(parent.dev && { dev: true }),
    ...(os[0] === 'linux' && libc.length > 0 && { libc }),
    ...(parent.license && { license: parent.license }),
    optional: true,
    ...(os.length > 0 && { os }),
    ...(parent.engines && { engines: parent.engines }),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = 'package-lock.json';
  const path = resolve(import.meta.dirname, '..', file);
  const lock = JSON.parse(readFileSync(path, 'utf8')) as PackageLock;
  const missing = missingEntries(lock);
  const count = Object.keys(lock.packages).length;
  if (process.argv.includes('--write')) {
    const all = Object.entries({ ...lock.packages, ...missing });
    const sorted = all.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    writeFileSync(
      path,
      `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`,
    );
    console.log(`lock: added ${Object.keys(missing).length} entries`);
  } else {
    const problems = Object.keys(missing).map((entry): Problem => {
      const message = `lacks ${entry}: run tsx scripts/check-lock.ts --write`;
      return { file, line: null, rule: 'lock', message };
    });
    const passed = reportProblems({ check: 'lock', files: count, problems, print: console.log });
    process.exitCode = passed ? 0 : 1;
  }
}
