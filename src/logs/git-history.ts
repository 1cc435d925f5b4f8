/** Whether logs are as they were when they were first committed. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Finding } from '../record/schema.ts';

const SAFE = ['-c', 'core.fsmonitor=false', '--no-optional-locks'];
/** History of a repository with very many commits. */
const MAX_OUTPUT = 256 * 2 ** 20;

interface Committed {
  readonly commit: string;
  readonly blob: string;
  /** How many commits touched it. */
  changes: number;
}

/**
 * Findings by path (relative to `root`): `changed-since-commit`, `unchanged-since-commit`,
 * `not-committed`. null when `root` is in no repository, or there is no git.
 */
export async function gitFindings(
  root: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Finding> | null> {
  const top = (await git(root, ['rev-parse', '--show-toplevel']))?.toString('utf8').trimEnd();
  if (top === undefined || top === '') return null;
  const history = await firstCommits(root);
  if (history === null) return null;
  const prefix = relative(top, realpathSync(root)).replaceAll('\\', '/');
  const findings = new Map<string, Finding>();
  for (const path of paths) {
    const first = history.get(prefix === '' ? path : `${prefix}/${path}`);
    findings.set(path, await compared(join(root, path), first));
  }
  return findings;
}

async function compared(file: string, first: Committed | undefined): Promise<Finding> {
  if (first === undefined) {
    const message = 'is not in version control: nothing shows that it was not changed';
    return { code: 'not-committed', severity: 'info', message };
  }
  const at = `commit ${first.commit.slice(0, 12)}`;
  const evidence = { commit: first.commit, blob: first.blob, changes: first.changes };
  const now = await blobHash(file, first.blob.length === 64 ? 'sha256' : 'sha1');
  if (now === first.blob) {
    const message = `has the bytes that it was first committed with, ${at}`;
    return { code: 'unchanged-since-commit', severity: 'info', message, evidence };
  }
  const message = `was changed since it was first committed, ${at}: not its original state`;
  return {
    code: 'changed-since-commit',
    severity: 'warning',
    message,
    evidence: { ...evidence, now },
  };
}

/** As git names the bytes of a file; filters such as line-end conversion are not applied. */
async function blobHash(file: string, algorithm: 'sha1' | 'sha256'): Promise<string | null> {
  try {
    const hash = createHash(algorithm).update(`blob ${statSync(file).size}\0`);
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
    return hash.digest('hex');
  } catch {
    return null;
  }
}

/** The first blob of every path below `root`, oldest commit first; paths from the top. */
async function firstCommits(root: string): Promise<Map<string, Committed> | null> {
  const args = ['log', '--reverse', '--raw', '--no-abbrev', '--no-renames', '-m', '-z'];
  const output = await git(root, [...args, '--format=commit %H', '--', '.']);
  if (output === null) return null;
  const found = new Map<string, Committed>();
  let commit = '';
  let change: RegExpExecArray | null = null;
  for (const field of output.toString('utf8').split('\0')) {
    // Behind every change stands its path, whatever it looks like.
    if (change) {
      note(found, field, { commit, blob: change[1] as string, kind: change[2] as string });
      change = null;
      continue;
    }
    const text = field.trimStart();
    const head = /^commit ([0-9a-f]{40,64})\s*/.exec(text);
    if (head) commit = head[1] as string;
    change = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ([A-Z])$/.exec(text.slice(head?.[0].length ?? 0));
  }
  return found;
}

function note(
  found: Map<string, Committed>,
  path: string,
  { commit, blob, kind }: { commit: string; blob: string; kind: string },
): void {
  const known = found.get(path);
  if (known) known.changes += 1;
  else if (kind !== 'D') found.set(path, { commit, blob, changes: 1 });
}

function git(root: string, args: readonly string[]): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const child = spawn('git', [...SAFE, '-C', root, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT) child.kill();
      else chunks.push(chunk);
    });
    child.on('error', () => resolve(null));
    child.on('close', (status) => resolve(status === 0 ? Buffer.concat(chunks) : null));
  });
}
