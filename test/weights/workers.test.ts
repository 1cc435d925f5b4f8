/** Threads change nothing: the same bytes from any number of them, the same refusals. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/record/canonical.ts';
import { startAssay } from '../support/command.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-workers-'));
  // Wide enough for several bands of a tensor, and rows that fill no band.
  const config = { hidden_size: 1024, intermediate_size: 1408, num_hidden_layers: 1 };
  writeSmallCheckpoint(join(dir, 'model'), { config });
});
afterAll(() => rmSync(dir, { recursive: true }));

const weights = (...args: string[]) => startAssay(['weights', ...args], { cwd: dir }).ended;

/** SHA-256 of every file. */
function hashesOf(path: string): Record<string, string> {
  const names = readdirSync(join(dir, path));
  return Object.fromEntries(
    names.map((name) => [name, sha256Hex(readFileSync(join(dir, path, name)))]),
  );
}

describe.each([
  ['fp8-block128', 'fp8', ['0', '1', '2', '3']],
  ['fp8-tensor', 'compressed-tensors', ['0', '3']],
  ['int4-asym-g128', 'awq', ['0', '2']],
  ['int4-g128', 'gptq', ['0', '2']],
])('%s as %s', (scheme, format, counts) => {
  it(`has the same bytes from ${counts.join(', ')} workers, there and back`, async () => {
    const name = `${scheme}-${format}`;
    for (const workers of counts) {
      const there = `${name}-${workers}`;
      const how = ['--scheme', scheme, '--format', format, '--workers', workers];
      const quantized = await weights('quantize', 'model', there, ...how);
      expect(quantized.code, quantized.stderr).toBe(0);
      const back = await weights('dequantize', there, `${there}-back`, '--workers', workers);
      expect(back.code, back.stderr).toBe(0);
      for (const end of ['', '-back']) {
        expect(hashesOf(`${there}${end}`)).toEqual(hashesOf(`${name}-0${end}`));
      }
    }
  });
});

it('a thread refuses as the main one does, and leaves nothing', async () => {
  writeSmallCheckpoint(join(dir, 'nan'), {
    change(tensor) {
      if (!tensor.name.endsWith('1.mlp.up_proj.weight')) return tensor;
      const data = tensor.data.slice();
      data.set([0xc0, 0x7f], 64);
      return { ...tensor, data };
    },
  });
  const how = ['--scheme', 'fp8-block128', '--format', 'fp8'];
  const said: string[] = [];
  for (const workers of ['0', '2']) {
    const result = await weights('quantize', 'nan', 'out', ...how, '--workers', workers);
    expect(result.code).toBe(3);
    said.push(result.stderr.replace(/^.*…\n|^\d.*\n/gm, ''));
    expect(readdirSync(dir)).not.toContain('out.partial');
    expect(readdirSync(dir)).not.toContain('out');
  }
  const error = /error: .*up_proj.*holds NaN at index 32.*\nhint: .*/;
  expect(said.map((text) => error.exec(text)?.[0])).toEqual([
    expect.stringMatching(error),
    error.exec(said[0]!)?.[0],
  ]);
});

it('more threads than may be are refused', async () => {
  const how = ['--scheme', 'int4-g128', '--format', 'gptq', '--workers', '65'];
  const result = await weights('quantize', 'model', 'many', ...how);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain('a whole number from 0 to 64');
});
