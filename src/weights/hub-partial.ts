/**
 * Files that have not arrived whole yet.
 *
 * An attempt writes to `<hash>.assay-<host>-<pid>-<random>.incomplete`; the pid is 0 once nobody
 * owns it. A later attempt takes over what a dead or finished process of this host left, by a
 * rename that only one can win. Other tools' `<hash>.incomplete` may be open: it is not touched.
 */
import { randomBytes } from 'node:crypto';
import { open, readdir, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** The folder of blobs, and the hash that the whole file will have. */
interface PartialOf {
  readonly blobs: string;
  readonly hash: string;
}

function host(): string {
  return hostname().replace(/[^A-Za-z0-9]/g, '_');
}

function partialName({ blobs, hash }: PartialOf, pid: number): string {
  const random = randomBytes(4).toString('hex');
  return join(blobs, `${hash}.assay-${host()}-${pid}-${random}.incomplete`);
}

/** Takes over an abandoned attempt, or starts an empty one. */
export async function claimPartial({ blobs, hash }: PartialOf): Promise<string> {
  const own = partialName({ blobs, hash }, process.pid);
  const pattern = new RegExp(`^${hash}\\.assay-${host()}-(\\d+)-[0-9a-f]+\\.incomplete$`);
  for (const name of await readdir(blobs)) {
    const owner = pattern.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const won = await rename(join(blobs, name), own).then(
      () => true,
      () => false,
    );
    if (won) return own;
  }
  await (await open(own, 'a')).close();
  return own;
}

function isAlive(pid: number): boolean {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Leaves it to whoever comes next; it may be gone already. */
export async function releasePartial(path: string, of: PartialOf): Promise<void> {
  await rename(path, partialName(of, 0)).catch(() => {});
}
