import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemMachine } from './system-machine.ts';

const machine = systemMachine();

it('loads the runtime in a process of its own and asks for its providers', async () => {
  const facts = await machine.runtime();
  expect(facts).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  expect('backends' in facts && facts.backends.map(({ name }) => name)).toContain('cpu');
});

it('reads the range of Node versions from the package', () => {
  expect(machine.nodeRange).toMatch(/^>=\d/);
});

it('answers null for what is not there', async () => {
  expect(machine.readText(join(tmpdir(), 'no-such-file'))).toBeNull();
  expect(machine.list(join(tmpdir(), 'no-such-folder'))).toBeNull();
  expect(await machine.execute('no-such-command-here', [])).toBeNull();
  expect(await machine.execute(process.execPath, ['-e', 'process.exit(1)'])).toBeNull();
});

it('gives the output of a command', async () => {
  expect(await machine.execute(process.execPath, ['-e', 'console.log("here")'])).toBe('here\n');
});

it('measures the space below a folder that does not exist yet', () => {
  const root = mkdtempSync(join(tmpdir(), 'assay-doctor-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  expect(machine.diskFreeBytes(join(root, 'a', 'b'))).toBeGreaterThan(0);
});
