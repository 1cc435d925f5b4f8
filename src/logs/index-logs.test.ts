import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexLogs } from './index-logs.ts';
import { eachLine, readLog } from './read-log.ts';
import { ScanCache } from './scan-cache.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-logs-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function put(path: string, content: string | Buffer): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

const TRACEBACK = 'Traceback (most recent call last):\n  File "a.py"\nImportError: no such name\n';
const BANNER = '=====\nEvaluation Complete\n=====\n';
const times = (started: string, ended: string) =>
  `Started: 2025-12-09T${started}\nEnded: 2025-12-09T${ended}\n`;
const bar = (count: number, of: number, time: string) =>
  `\rTokenizing: 50%|██ | ${count}/${of} [${time}<00:00, 1.0it/s]`;

describe('which files are logs', () => {
  it('by name, else by content; programs, documents and JSON are none', async () => {
    put('a.log', 'hello\n');
    put('b', TRACEBACK);
    put('c.txt', 'JobID = 4711\nStarted: 2025-12-09T17:58:35\n');
    for (const name of ['d.md', 'd.py', 'd.json', 'd.sh']) put(name, TRACEBACK);
    put('e.txt', 'a letter to a friend\n');
    put('node_modules/x.log', TRACEBACK);
    const { files } = await indexLogs(root);
    expect(files.map(({ path }) => path)).toEqual(['a.log', 'b', 'c.txt']);
  });

  it('leaves out what it cannot read, says why, and goes on', async () => {
    put('good.log', 'fine\n');
    put('model.bin', Buffer.concat([Buffer.from('7f454c46', 'hex'), Buffer.alloc(2 ** 21, 7)]));
    put('noise.log', Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 32)));
    const oid = 'a'.repeat(64);
    put('big.log', `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 12345\n`);
    symlinkSync('loop.log', join(root, 'loop.log'));
    symlinkSync('good.log', join(root, 'same.log'));
    symlinkSync('.', join(root, 'self'));
    execFileSync('mkfifo', [join(root, 'pipe.log')]);
    const { files, skipped } = await indexLogs(root);
    expect(files.map(({ path }) => path)).toEqual(['good.log']);
    expect(Object.fromEntries(skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      'big.log': 'a Git-LFS pointer: its 12345 bytes are elsewhere (git lfs pull)',
      'loop.log': 'a loop of symbolic links',
      'model.bin': 'an ELF binary',
      'noise.log': 'binary data',
      'pipe.log': 'not a regular file',
      'same.log': 'a link to a file of this tree',
    });
  });

  it('takes names with spaces, line breaks and quotes as they are', async () => {
    const names = [' a b.log', 'line\nbreak.log', "it's `so`|x.log", 'ü📋.log'];
    for (const name of names) put(name, 'x\n');
    const { files } = await indexLogs(root);
    expect(files.map(({ path }) => path).sort()).toEqual(names.sort());
  });

  it('keeps a log with a hole of NUL bytes', async () => {
    put('hole.log', Buffer.concat([Buffer.alloc(100_000), Buffer.from('\nDone.\n')]));
    const { files } = await indexLogs(root);
    expect(files).toMatchObject([{ outcome: 'succeeded', findings: [{ code: 'nul-bytes' }] }]);
  });
});

describe('a log that changes while it is read', () => {
  it('is read as long as it was when it was opened', async () => {
    const file = put('grow.log', 'x'.repeat(40_000));
    const reading = readLog(file, 'grow.log');
    appendFileSync(file, 'later\n');
    // Synchronous up to its first turn: the whole of so small a file was read by then.
    expect((await reading).scan.bytes).toBe(40_000);
  });

  it.each([
    [6_000_000, 'grew by 950000 bytes while it was read: those are not in here'],
    [1000, 'was cut from 5050000 to 1000 bytes while it was read'],
  ])('says so when it has %d bytes meanwhile', async (size, message) => {
    const file = put('log.log', `${'x'.repeat(100)}\n`.repeat(50_000));
    const { findings } = await readLog(file, 'log.log', {
      turnMs: 0,
      onBytes: () => truncateSync(file, size),
    });
    expect(findings).toMatchObject([{ code: 'changed-while-read', message }]);
  });
});

describe('files held against each other', () => {
  it('share their outcome when stdout and stderr belong together', async () => {
    put('run_12345.log', `JobID = 12345\n${BANNER}${times('10:00:00', '10:01:10')}`);
    put('run_12345.err', TRACEBACK);
    const { files, pairs } = await indexLogs(root);
    expect(pairs).toMatchObject([{ verdict: 'belong-together' }]);
    for (const file of files) {
      expect(file).toMatchObject({
        ...{ outcome: 'failed', durationS: 70, jobId: '12345' },
        outcomeEvidence: { path: 'run_12345.err', line: 3 },
      });
    }
  });

  it('refute a pair whose bars are longer than the job, and name the log that they fit', async () => {
    put('a.log', `JobID = 1001\nLoaded 123 samples.\n${times('10:00:00', '10:05:00')}`);
    put('a.err', bar(0, 123, '00:00') + bar(123, 123, '1:40:00'));
    put('b.log', `JobID = 1002\nLoaded 123 samples.\n${times('10:00:00', '12:00:00')}`);
    const { pairs, findings } = await indexLogs(root);
    expect(pairs).toMatchObject([{ verdict: 'refuted', fits: 'b.log' }]);
    expect(findings).toMatchObject([{ code: 'pair-refuted', severity: 'error' }]);
  });

  it('share nothing where nothing could be checked', async () => {
    put('a.log', `x\nDone.\n`);
    put('a.err', 'some warning\n');
    const { files, pairs } = await indexLogs(root);
    expect(pairs).toMatchObject([{ verdict: 'unchecked' }]);
    expect(files.map(({ outcome }) => outcome)).toEqual(['unknown', 'succeeded']);
  });

  it('make a completion line void that a failed log prints too', async () => {
    put('one_11111.log', `JobID = 11111\nEvaluation of the model complete\n`);
    put('two_22222.log', `JobID = 22222\nEvaluation of the model complete\n`);
    put('two_22222.err', TRACEBACK);
    const { files } = await indexLogs(root);
    const [one] = files;
    expect(one).toMatchObject({ path: 'one_11111.log', outcome: 'unknown' });
    expect(one?.outcomeReason).toContain('void: two_22222.log failed and prints it too');
  });

  it('name files of the same bytes, and the files of one job', async () => {
    put('a_55555.log', 'JobID = 55555\n');
    put('copy/a_55555.log', 'JobID = 55555\n');
    const { identical, jobs } = await indexLogs(root);
    expect(identical).toMatchObject([{ paths: ['a_55555.log', 'copy/a_55555.log'] }]);
    expect(jobs).toEqual([{ jobId: '55555', paths: ['a_55555.log', 'copy/a_55555.log'] }]);
  });

  it('compare the servers of a fleet', async () => {
    const request = 'INFO: 127.0.0.1:1 - "POST /v1/completions HTTP/1.1" 200 OK\n';
    for (const [i, n] of [30, 10, 20].entries()) put(`vllm_gpu${i}.log`, request.repeat(n));
    const { fleets, findings } = await indexLogs(root);
    expect(fleets).toMatchObject([{ name: 'vllm_gpu#.log', requests: 60, maxOverMin: 3 }]);
    expect(fleets[0]?.jain).toBeCloseTo(60 ** 2 / (3 * 1400), 12);
    expect(findings).toMatchObject([{ code: 'uneven-fleet' }]);
  });
});

describe('the cache', () => {
  const old = new Date('2025-01-01T00:00:00Z');
  const index = (cache?: ScanCache) => indexLogs(root, cache ? { cache } : {});

  it('gives the same index as reading again, and reads what has changed', async () => {
    for (const name of ['a.log', 'b.log', 'c.txt', 'd.txt']) {
      utimesSync(put(name, name < 'c' ? `Loaded 7 samples\n${TRACEBACK}` : 'letter\n'), old, old);
    }
    const path = join(root, 'cache.json');
    const first = new ScanCache(path, '1');
    const fresh = await index(first);
    first.save(path);
    expect(JSON.stringify(await index(new ScanCache(path, '1')))).toBe(JSON.stringify(fresh));
    utimesSync(put('a.log', 'Done.\n'), old, old);
    const changed = await index(new ScanCache(path, '1'));
    expect(changed.files[0]).toMatchObject({ path: 'a.log', outcome: 'succeeded' });
    expect(JSON.stringify(changed)).toBe(JSON.stringify(await index()));
  });

  it('is of no use to another version, or when it is damaged', async () => {
    const path = join(root, 'cache.json');
    utimesSync(put('a.log', 'x\n'), old, old);
    const first = new ScanCache(path, '1');
    await index(first);
    first.save(path);
    const candidate = { path: 'a.log', bytes: 2, modifiedMs: 0, stamp: '', isNamed: true };
    expect(new ScanCache(path, '2').get({ ...candidate, manifest: null })).toBeUndefined();
    writeFileSync(path, '{');
    expect((await index(new ScanCache(path, '1'))).files).toHaveLength(1);
  });
});

describe('lines', () => {
  it('can be had one by one', async () => {
    const file = put('x.log', 'one\rtwo\nthree');
    const seen: [number, string][] = [];
    await eachLine(file, ({ number, text }) => seen.push([number, text]));
    expect(seen).toEqual([
      [1, 'one'],
      [1, 'two'],
      [2, 'three'],
    ]);
  });
});

describe('version control', () => {
  it('tells whether a log is as it was first committed', async () => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-C', root, ...args], {
        stdio: 'ignore',
      });
    git('init', '-q');
    put('logs/kept.log', 'one\n');
    put('logs/edited.log', 'one\n');
    put('logs/sp ace.log', 'one\n');
    git('add', '.');
    git('commit', '-qm', 'first');
    put('logs/edited.log', 'two\n');
    git('commit', '-qam', 'second');
    put('logs/new.log', 'one\n');
    const { files } = await indexLogs(join(root, 'logs'), { git: true });
    expect(files.map(({ path, findings }) => [path, findings[0]?.code])).toEqual([
      ['edited.log', 'changed-since-commit'],
      ['kept.log', 'unchanged-since-commit'],
      ['new.log', 'not-committed'],
      ['sp ace.log', 'unchanged-since-commit'],
    ]);
  });
});
