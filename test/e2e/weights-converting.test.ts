/** The commands as built: what is printed, recorded, verified, and run again. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSamples } from '../../src/record/sample-reader.ts';
import { projectRoot } from '../support/built-command.ts';
import { startAssay } from '../support/command.ts';

const model = join(projectRoot, 'models/assay-tiny');
let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'assay-weights-converting-'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const assay = (args: readonly string[]) => startAssay(args, { cwd }).ended;
const weights = (...args: string[]) => assay(['weights', ...args]);
const scored = async (path: string, scheme: string) => {
  const measure = ['--corpus', join(model, 'heldout.jsonl'), '--budget', 'smoke', '--json'];
  const result = await assay(['eval', '--model', path, '--scheme', scheme, ...measure]);
  return result.json<{ metrics: { perplexity: { value: number } } }>().metrics.perplexity.value;
};

it('a scheme in memory and the written checkpoint have the same perplexity', async () => {
  const args = ['--scheme', 'int4-g64', '--format', 'compressed-tensors', '--json'];
  const planned = await weights('quantize', model, 'out', ...args, '--dry-run');
  expect(planned.json<{ fileBytes: number }>().fileBytes).toBeGreaterThan(1e6);
  expect(existsSync(join(cwd, 'out'))).toBe(false);
  const result = await weights('quantize', model, 'out', ...args);
  expect(result.code).toBe(0);
  const { runId } = result.json<{ runId: string }>();
  const { rows } = readSamples(join(cwd, 'runs', runId, 'samples.jsonl'));
  expect(rows).toContainEqual(
    expect.objectContaining({ kind: 'tensor', name: 'model.norm.weight', scheme: 'bf16' }),
  );
  const manifest = JSON.parse(readFileSync(join(cwd, 'runs', runId, 'manifest.json'), 'utf8'));
  const codes = manifest.findings.map(({ code }: { code: string }) => code);
  expect(codes).toContain('conversion-times');
  expect(codes).toContain('written-file');
  expect(await scored('out', 'stored')).toBe(await scored(model, 'int4-g64'));
  expect((await assay(['verify'])).code).toBe(0);
});

it('what cannot be done ends with a code and a hint, and writes nothing', async () => {
  const twice = await weights('quantize', model, model, '--scheme', 'int4-g64', '--format', 'gptq');
  expect(twice.code).toBe(2);
  expect(twice.stderr).toContain('are the same');
  const plain = await weights('dequantize', model, 'plain');
  expect(plain.code).toBe(3);
  expect(plain.stderr).toContain('nothing to dequantize');
  const awq = await weights('repack', model, 'awq', '--format', 'fp8');
  expect(awq.code).toBe(2);
  expect(existsSync(join(cwd, 'plain'))).toBe(false);
});
