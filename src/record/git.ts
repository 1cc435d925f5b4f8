/** Which commit the lab's files are at. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Manifest } from './schema.ts';

const TIME_LIMIT_MS = 10_000;
/** What runs write themselves: or every run would make the next one dirty. */
const OWN = [':(exclude)runs', ':(exclude)seals', ':(exclude)reports'];
/** Nothing that the repository configures may run, and no lock is taken that others wait for. */
const SAFE = ['-c', 'core.fsmonitor=false', '--no-optional-locks'];

/**
 * Commit, whether anything but runs, seals and reports differs from it (untracked files count), and
 * the SHA-256 of `git diff HEAD --binary` (null when no tracked file differs). null when `root` is
 * in no repository, the repository has no commit, or there is no git.
 */
export async function captureGit(root: string): Promise<Manifest['git']> {
  const head = await git(root, ['rev-parse', '--verify', 'HEAD']);
  const sha = head?.start.trim() ?? '';
  if (!/^[0-9a-f]{40,64}$/.test(sha)) return null;
  const [status, diff] = await Promise.all([
    git(root, ['status', '--porcelain', '--', ':/', ...OWN]),
    git(root, ['diff', 'HEAD', '--binary', '--no-ext-diff', '--no-textconv', '--', ':/', ...OWN]),
  ]);
  if (status === null || diff === null) return null;
  return { sha, dirty: status.bytes > 0, diffSha256: diff.bytes > 0 ? diff.sha256 : null };
}

interface Output {
  /** The first few characters. */
  start: string;
  bytes: number;
  sha256: string;
}

/** A diff can be large: it is hashed as it comes, not held. */
function git(root: string, args: readonly string[]): Promise<Output | null> {
  return new Promise((resolve) => {
    const child = spawn('git', [...SAFE, '-C', root, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: TIME_LIMIT_MS,
    });
    const hash = createHash('sha256');
    let start = '';
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      if (start.length < 100) start += chunk.toString('latin1').slice(0, 100);
      bytes += chunk.length;
      hash.update(chunk);
    });
    child.on('error', () => resolve(null));
    child.on('close', (code) => {
      resolve(code === 0 ? { start, bytes, sha256: hash.digest('hex') } : null);
    });
  });
}
