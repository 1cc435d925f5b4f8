import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FormatError } from '../record/errors.ts';
import { openCheckpoint } from './checkpoint.ts';
import { refuseOutsideLinks } from './outside-link.ts';
import { writeSafetensors } from './safetensors-write.ts';

let root: string;
let dir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-links-'));
  dir = join(root, 'model');
  mkdirSync(dir);
});
afterEach(() => rmSync(root, { recursive: true }));

const check = (names: readonly string[]) => () => refuseOutsideLinks(dir, names);

it('lets files and links within the directory be, also through a linked directory', () => {
  writeFileSync(join(dir, 'a'), '');
  symlinkSync('a', join(dir, 'b'));
  check(['a', 'b', 'absent'])();
  symlinkSync('model', join(root, 'alias'));
  refuseOutsideLinks(join(root, 'alias'), ['a', 'b']);
});

it('refuses links that lead out, and says where to', () => {
  writeFileSync(join(root, 'secret'), '');
  mkdirSync(join(root, 'model-2'));
  writeFileSync(join(root, 'model-2', 'x'), '');
  symlinkSync('../secret', join(dir, 'relative'));
  symlinkSync(join(root, 'secret'), join(dir, 'absolute'));
  symlinkSync('absolute', join(dir, 'chain'));
  symlinkSync('../model-2/x', join(dir, 'sibling'));
  for (const name of ['relative', 'absolute', 'chain', 'sibling']) {
    expect(check([name]), name).toThrow(FormatError);
    expect(check([name]), name).toThrow(/out of the model's directory/);
  }
});

it('knows the cache of the hub: snapshots link to the blobs of their repository only', () => {
  const repository = join(root, 'models--org--name');
  const snapshot = join(repository, 'snapshots', 'a'.repeat(40));
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(repository, 'blobs'));
  writeFileSync(join(repository, 'blobs', 'c0ffee'), '');
  symlinkSync('../../blobs/c0ffee', join(snapshot, 'config.json'));
  refuseOutsideLinks(snapshot, ['config.json']);
  writeFileSync(join(root, 'secret'), '');
  symlinkSync('../../../secret', join(snapshot, 'tokenizer.json'));
  expect(() => refuseOutsideLinks(snapshot, ['tokenizer.json'])).toThrow(FormatError);
});

it('holds for every file that openCheckpoint takes as part of the model', () => {
  writeSafetensors(join(root, 'w.safetensors'), []);
  writeFileSync(join(root, 'secret.json'), '{}');
  writeFileSync(join(dir, 'config.json'), '{}');
  symlinkSync('../w.safetensors', join(dir, 'model.safetensors'));
  expect(() => openCheckpoint(dir)).toThrow(/model\.safetensors: a link out/);
  rmSync(join(dir, 'model.safetensors'));
  writeSafetensors(join(dir, 'model.safetensors'), []);
  symlinkSync('../secret.json', join(dir, 'tokenizer.json'));
  expect(() => openCheckpoint(dir)).toThrow(/tokenizer\.json: a link out/);
});
