import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from './canonical.ts';
import { captureEnvironment } from './environment.ts';
import { captureGit } from './git.ts';
import { parseCudaVersion, parseGpuTable } from './nvidia-smi.ts';
import { environmentSchema } from './schema.ts';

const packageRoot = resolve(import.meta.dirname, '../..');

describe('captureEnvironment', () => {
  it('fits the schema and names this program and its lock file', async () => {
    const found = await captureEnvironment({ packageRoot, env: { TZ: 'UTC', SECRET: 'x' } });
    expect(environmentSchema.parse(found)).toEqual(found);
    expect(found.variables).toEqual({ TZ: 'UTC' });
    expect(found.assay).toMatch(/^\d+\.\d+\.\d+/);
    expect(found.packageLockSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(found.node).toBe(process.version);
  });

  it('has no lock hash where the package has no lock file', async () => {
    const root = mkdtempSync(join(tmpdir(), 'assay-'));
    writeFileSync(join(root, 'package.json'), '{"version":"9.9.9"}');
    const found = await captureEnvironment({ packageRoot: root, env: {} });
    expect(found).toMatchObject({ assay: '9.9.9', packageLockSha256: null, variables: {} });
  });
});

describe('parseGpuTable', () => {
  it('reads columns by name, with or without units, and unknown ones as null', () => {
    const csv = 'driver_version, name, memory.total [MiB]\n1.2, A, 10\n[N/A], B, [Not Supported]\n';
    expect(parseGpuTable(csv)).toEqual([
      { name: 'A', memoryBytes: 10_485_760, driver: '1.2' },
      { name: 'B', memoryBytes: null, driver: null },
    ]);
  });

  it('gives nothing for what is no table', () => {
    expect(parseGpuTable('')).toEqual([]);
    expect(parseGpuTable('NVIDIA-SMI has failed because …')).toEqual([]);
    expect(parseCudaVersion('<x/>')).toBeNull();
    expect(parseCudaVersion('<cuda_version>N/A</cuda_version>')).toBeNull();
  });
});

describe('captureGit', () => {
  const repository = (): { root: string; git: (...args: string[]) => Buffer } => {
    const root = mkdtempSync(join(tmpdir(), 'assay-'));
    const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    const git = (...args: string[]): Buffer =>
      execFileSync('git', ['-C', root, ...who, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    git('init');
    return { root, git };
  };

  it('is null outside a repository and before the first commit', async () => {
    expect(await captureGit(mkdtempSync(join(tmpdir(), 'assay-')))).toBeNull();
    expect(await captureGit(repository().root)).toBeNull();
    expect(await captureGit('/nowhere')).toBeNull();
  });

  it('tells clean, untracked and changed apart, and does not count runs', async () => {
    const { root, git } = repository();
    writeFileSync(join(root, 'a'), '1\n');
    git('add', '.');
    git('commit', '-m', 'one');
    const sha = git('rev-parse', 'HEAD').toString().trim();
    mkdirSync(join(root, 'runs'));
    writeFileSync(join(root, 'runs', 'x'), '');
    expect(await captureGit(root)).toEqual({ sha, dirty: false, diffSha256: null });
    writeFileSync(join(root, 'b'), '');
    expect(await captureGit(root)).toEqual({ sha, dirty: true, diffSha256: null });
    writeFileSync(join(root, 'a'), '2\n');
    const diffSha256 = sha256Hex(git('diff', 'HEAD', '--binary'));
    expect(await captureGit(root)).toEqual({ sha, dirty: true, diffSha256 });
  });
});
