import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive, processStart, readHeartbeat, startBeating } from './heartbeat.ts';
import type { Heartbeat } from './schema.ts';

const directory = mkdtempSync(join(tmpdir(), 'assay-'));
const path = join(directory, 'heartbeat.json');

function write(changes: Partial<Heartbeat>, ageSeconds = 0): void {
  const beat: Heartbeat = {
    pid: process.pid,
    host: hostname(),
    processStart: processStart(process.pid),
    experiment: 'e',
    at: '2026-11-20T05:34:00Z',
    ...changes,
  };
  writeFileSync(path, JSON.stringify(beat));
  const at = Date.now() / 1000 - ageSeconds;
  utimesSync(path, at, at);
}

describe('isAlive', () => {
  it('asks the process on this host, however old the file is', () => {
    write({}, 3600);
    expect(isAlive(path)).toBe(true);
  });

  it.runIf(process.platform === 'linux')('knows a pid that was given to another process', () => {
    write({ processStart: '1' });
    expect(isAlive(path)).toBe(false);
  });

  it.runIf(process.platform === 'linux')('knows a process that is gone', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    write({ pid, processStart: processStart(pid) });
    expect(isAlive(path)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(path)).toBe(false);
  });

  it('goes by the age of the file for another host, and leaves no probe behind', () => {
    write({ host: 'elsewhere', pid: 1 }, 5);
    expect(isAlive(path)).toBe(true);
    write({ host: 'elsewhere', pid: 1 }, 20);
    expect(isAlive(path)).toBe(false);
    expect(readdirSync(directory)).toEqual(['heartbeat.json']);
  });

  it('is false where there is no file', () => {
    expect(isAlive(join(directory, 'none'))).toBe(false);
    expect(readHeartbeat(join(directory, 'none'))).toBeNull();
  });
});

describe('startBeating', () => {
  it('throws when even the first beat cannot be written', () => {
    expect(() => startBeating(join(directory, 'no', 'x'), () => ({}))).toThrow(/cannot write/);
  });
});

describe('processStart', () => {
  it('is null for a process that is not there', () => {
    expect(processStart(2 ** 30)).toBeNull();
  });
});
