/** A conversion that is killed, at any moment: no output, and the next one gives the same bytes. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sha256Hex } from '../../src/record/canonical.ts';
import { entryPath, projectRoot } from '../support/built-command.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-convert-kill-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const model = join(projectRoot, 'models/assay-tiny');

function quantize(out: string) {
  const args = ['weights', 'quantize', model, out, '--scheme', 'int4-asym-g64', '--format', 'gptq'];
  return spawn(process.execPath, [entryPath, ...args], { cwd: dir, stdio: 'ignore' });
}

const ended = (child: ReturnType<typeof quantize>): Promise<number | null> =>
  new Promise((done) => child.once('exit', done));

it('killed at once and after 60 ms of writing, then run again', async () => {
  expect(await ended(quantize('whole'))).toBe(0);
  const names = readdirSync(join(dir, 'whole'));
  const bytes = (out: string) => names.map((name) => sha256Hex(readFileSync(join(dir, out, name))));
  for (const delayMs of [0, 60]) {
    const child = quantize('out');
    const exit = ended(child);
    while (!existsSync(join(dir, 'out.partial')) && child.exitCode === null) await sleep(2);
    await sleep(delayMs);
    child.kill('SIGKILL');
    await exit;
    // Killed before its end, there is nothing under the name; after it, everything.
    if (!existsSync(join(dir, 'out'))) expect(await ended(quantize('out'))).toBe(0);
    expect(bytes('out')).toEqual(bytes('whole'));
    expect(readdirSync(join(dir, 'out'))).toEqual(names);
    expect(existsSync(join(dir, 'out.partial'))).toBe(false);
    rmSync(join(dir, 'out'), { recursive: true });
  }
});
