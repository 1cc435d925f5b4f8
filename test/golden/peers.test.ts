/**
 * Checkpoints that other programs wrote, read to the bit as those programs read them: versions are
 * in peers/*.json, the scripts in scripts/reference/peer_*.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeF32 } from '../../src/weights/encode.ts';
import { decodeRows } from '../../src/weights/formats/decode.ts';
import { inspect } from '../../src/weights/inspect/inspection.ts';
import { lookAt } from '../../src/weights/looked-at.ts';

const FOLDER = join(import.meta.dirname, 'peers');

interface Expected {
  readonly versions: Readonly<Record<string, string>>;
  /** Checkpoint → tensor → SHA-256 of its values. */
  readonly checkpoints: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
const expectedOf = (name: string): Expected =>
  JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Expected;

const compressed = expectedOf('llmcompressor.json');
const packed = expectedOf('gptq-awq.json');
console.log('written by', { ...compressed.versions, ...packed.versions });

const cases = [
  ...Object.entries(compressed.checkpoints).map((each) => [...each, 'BF16'] as const),
  ...Object.entries(packed.checkpoints).map((each) => [...each, 'F16'] as const),
];

describe.each(cases)('%s', (name, hashes, dtype) => {
  it('has the values that its writer reads in it', () => {
    const looked = lookAt(join(FOLDER, name));
    try {
      expect(looked.problems).toEqual([]);
      const found = looked.tensors.map((tensor) => {
        const values = decodeRows(tensor, { from: 0, to: tensor.shape[0]! }, looked.readAt);
        const bytes = encodeF32(values, dtype);
        return [tensor.name, createHash('sha256').update(bytes).digest('hex')];
      });
      expect(Object.fromEntries(found)).toEqual(hashes);
      expect(inspect(looked, () => true).problems).toEqual([]);
    } finally {
      looked.close();
    }
  });
});
