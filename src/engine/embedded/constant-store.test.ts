import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fileStore } from './constant-store.ts';

let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'assay-store-test-'));
});
afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

it('removes what a killed process left, and nothing of a living one or of others', () => {
  const dead = spawnSync(process.execPath, ['-e', '0']).pid;
  mkdirSync(join(parent, `assay-weights-${dead}-abc123`));
  mkdirSync(join(parent, `assay-weights-${process.pid}-living`));
  mkdirSync(join(parent, 'assay-weights-foreign'));
  const store = fileStore(parent);
  expect(existsSync(join(parent, `assay-weights-${dead}-abc123`))).toBe(false);
  expect(existsSync(join(parent, `assay-weights-${process.pid}-living`))).toBe(true);
  expect(existsSync(join(parent, 'assay-weights-foreign'))).toBe(true);
  store.dispose();
  expect(readdirSync(parent)).toHaveLength(2);
});
