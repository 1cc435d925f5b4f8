/** The commands about logs, in process, on files of a temporary folder. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/main.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-logs-'));
  mkdirSync(join(root, 'logs'));
  const log = (name: string, text: string) => writeFileSync(join(root, 'logs', name), text);
  log(
    'quantize_12345.log',
    'JobID = 12345\nLoaded 123 samples.\nDone.\n' +
      'Started: 2025-12-09T17:58:35\nEnded: 2025-12-09T18:03:57\n',
  );
  log(
    'server.log',
    'INFO 12-18 03:13:09 [a.py:1] Initializing a V1 LLM engine (v0.9.0) with config: model=m\n' +
      'INFO 12-18 03:14:09 [a.py:2] Model loading took 36.0516 GiB and 64.574844 seconds\n',
  );
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

async function assay(...args: string[]) {
  let [stdout, stderr] = ['', ''];
  const code = await runCommandLine(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: process.env,
    cwd: root,
    argv: ['assay', ...args],
    signal: new AbortController().signal,
  });
  return { code, stdout, stderr };
}

describe('assay logs index', () => {
  it('writes a table, LOGS.md with its evidence, and logs.json', async () => {
    const { code, stdout } = await assay('logs', 'index', 'logs');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /quantize_12345\.log +succeeded +12345 +2025-12-09T17:58:35 +322 +epilog/,
    );
    const document = readFileSync(join(root, 'reports/logs/LOGS.md'), 'utf8');
    expect(document).toContain('| `quantize_12345.log` | succeeded | line 3: `Done.` |');
    expect(document).toContain('- vllm.modelMemory: 36.0516 GiB (line 2)');
    const json = JSON.parse(readFileSync(join(root, 'reports/logs/logs.json'), 'utf8'));
    expect(json.files[0]).toMatchObject({ durationS: 322, outcomeEvidence: { line: 3 } });
  });

  it('writes the same bytes again, from the cache, and touches nothing', async () => {
    await assay('logs', 'index', 'logs');
    const path = join(root, 'reports/logs/logs.json');
    const before = { text: readFileSync(path, 'utf8'), time: statSync(path).mtimeMs };
    await assay('logs', 'index', 'logs', '--fresh');
    await assay('logs', 'index', 'logs');
    expect(readFileSync(path, 'utf8')).toBe(before.text);
    expect(statSync(path).mtimeMs).toBe(before.time);
  });

  it('does not find itself', async () => {
    await assay('logs', 'index', '.');
    const { stdout } = await assay('logs', 'index', '.', '--json');
    expect(JSON.parse(stdout).files.map(({ path }: { path: string }) => path)).toEqual([
      'logs/quantize_12345.log',
      'logs/server.log',
    ]);
  });

  it('does not overwrite an index that a person wrote', async () => {
    writeFileSync(join(root, 'LOGS.md'), '# mine\n');
    const { code, stderr } = await assay('logs', 'index', 'logs', '--out', '.');
    expect(code).toBe(2);
    expect(stderr).toContain('was not written by assay');
  });

  it.each([
    [['logs', 'index', 'nowhere'], 3, /cannot read .*nowhere/],
    [['logs', 'index', 'logs/server.log'], 3, /is not a directory/],
    [['logs', 'show', 'logs/none.log'], 3, /cannot read logs\/none\.log/],
    [['logs', 'index', 'logs', '--git'], 3, /is in no git repository/],
  ])('%j says what is wrong', async (args, exit, message) => {
    const { code, stderr } = await assay(...args);
    expect({ code, said: message.test(stderr) }).toEqual({ code: exit, said: true });
    expect(stderr).not.toContain('    at ');
  });
});

describe('assay verify, on an index of logs', () => {
  const replace = (path: string, from: string, to: string) => {
    const file = join(root, path);
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
  };

  it('finds nothing while the logs are as they were', async () => {
    await assay('logs', 'index', 'logs');
    await assay('exec', '--', 'true');
    const { code, stdout } = await assay('verify');
    expect({ code, ok: stdout.includes('Everything stands.') }).toEqual({ code: 0, ok: true });
  });

  it('finds a number of the document that was changed, and one of a log', async () => {
    await assay('exec', '--', 'true');
    await assay('logs', 'index', 'logs');
    replace('reports/logs/LOGS.md', '36.0516', '26.0516');
    expect(await assay('verify')).toMatchObject({ code: 6 });
    replace('reports/logs/LOGS.md', '26.0516', '36.0516');
    expect(await assay('verify')).toMatchObject({ code: 0 });
    replace('logs/server.log', '36.0516', '30.0516');
    const { code, stdout } = await assay('verify');
    expect(code).toBe(6);
    expect(stdout).toContain('fact:vllm.modelMemory of server.log');
  });
});

describe('assay logs show', () => {
  it('gives outcome, times and facts with their lines', async () => {
    const { code, stdout } = await assay('logs', 'show', 'logs/quantize_12345.log');
    expect(code).toBe(0);
    expect(stdout).toMatch(/outcome +succeeded: .*, line 3/);
    expect(stdout).toMatch(/plain\.count\.samples +123 samples +line 2/);
  });

  it('reads any file that it is given', async () => {
    writeFileSync(join(root, 'notes'), 'Loaded 7 samples\n');
    const { stdout } = await assay('logs', 'show', 'notes', '--json');
    expect(JSON.parse(stdout).facts).toMatchObject({ 'plain.count.samples': { value: 7 } });
  });
});

describe('assay exec', () => {
  it('exits as the command did, and prints its output', async () => {
    const { code, stdout, stderr } = await assay(
      'exec',
      '--name',
      'n',
      '--',
      'sh',
      '-c',
      'echo hi; exit 5',
    );
    expect({ code, stdout }).toEqual({ code: 5, stdout: 'hi\n' });
    expect(stderr).toMatch(/failed: exit status 5.*recorded: runs\/exec\/n\//s);
  });

  it('gives flags behind -- to the command, and JSON alone on stdout', async () => {
    const { stdout, stderr } = await assay('exec', '--json', '--', 'echo', '--name', 'x');
    expect(JSON.parse(stdout)).toMatchObject({ status: 'succeeded', exitStatus: 0 });
    expect(stderr).toContain('--name x');
  });

  it('says what is wrong with a command that is not there', async () => {
    const { code, stderr } = await assay('exec', '--', 'no-such-program');
    expect(code).toBe(2);
    expect(stderr).toContain('error: no-such-program cannot be started');
  });
});
