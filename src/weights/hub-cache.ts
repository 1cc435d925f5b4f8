/**
 * The cache that all Hugging Face tools share, so that what one has fetched the others need not:
 *
 *   models--org--name/refs/<revision>          text: the commit
 *   models--org--name/blobs/<hash>             content, named by its SHA-256 (LFS) or git SHA-1
 *   models--org--name/snapshots/<commit>/FILE  symlink into blobs
 */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { HubId } from './hub-id.ts';

export const COMMIT = /^[0-9a-f]{40}$/;

export interface RepoCache {
  readonly refs: string;
  readonly blobs: string;
  readonly snapshots: string;
}

export function repoCache(cacheDir: string, { name }: HubId): RepoCache {
  const root = join(cacheDir, `models--${name.replace('/', '--')}`);
  return {
    refs: join(root, 'refs'),
    blobs: join(root, 'blobs'),
    snapshots: join(root, 'snapshots'),
  };
}

/** The commit that a revision last stood for, or null if it was never asked for. */
export async function cachedCommit(cache: RepoCache, revision: string): Promise<string | null> {
  if (COMMIT.test(revision)) return revision;
  const text = await readFile(join(cache.refs, revision), 'utf8').catch(() => '');
  return COMMIT.test(text.trim()) ? text.trim() : null;
}

/** Remembers what a branch or tag stands for now, for the day without a network. */
export async function rememberCommit(
  cache: RepoCache,
  { revision, commit }: { revision: string; commit: string },
): Promise<void> {
  if (revision === commit) return;
  const path = join(cache.refs, revision);
  await mkdir(dirname(path), { recursive: true });
  await replace(path, (temporary) => writeFile(temporary, commit));
}

/** Size of what a path leads to, −1 if it leads nowhere. */
export async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : -1;
}

/** Lets the snapshot's file point to the blob; copies where symlinks are not allowed (Windows). */
export async function linkBlob(pointer: string, blob: string): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true });
  await replace(pointer, async (temporary) => {
    try {
      await symlink(relative(dirname(pointer), blob), temporary);
    } catch {
      await copyFile(blob, temporary);
    }
  });
}

/** Writes beside the path, then renames: a reader sees the old or the new, never half. */
async function replace(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Which of the files that a model cannot run without are absent from a snapshot. */
export async function missingFrom(snapshot: string): Promise<string[]> {
  const absent = async (names: readonly string[]) => {
    const sizes = await Promise.all(names.map((name) => sizeOf(join(snapshot, name))));
    return names.filter((_, i) => sizes[i]! < 0);
  };
  const missing = await absent(['config.json']);
  if ((await sizeOf(join(snapshot, 'model.safetensors'))) >= 0) return missing;
  const index = join(snapshot, 'model.safetensors.index.json');
  const shards = shardsOf(await readFile(index, 'utf8').catch(() => ''));
  return [...missing, ...(shards.length === 0 ? ['model.safetensors'] : await absent(shards))];
}

/** File names in the weight_map of an index, sorted; none if it is not an index. */
export function shardsOf(index: string): string[] {
  try {
    const parsed = JSON.parse(index) as { weight_map?: Record<string, unknown> };
    const files = Object.values(parsed.weight_map ?? {}).filter((file) => typeof file === 'string');
    return [...new Set(files)].sort();
  } catch {
    return [];
  }
}
