/** Where this package is, and its version. `dist/` is as deep as `src/`, so this holds in both. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function packageRoot(): string {
  return fileURLToPath(new URL('../..', import.meta.url));
}

export function builtinDir(): string {
  return fileURLToPath(new URL('../../models', import.meta.url));
}

export function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
