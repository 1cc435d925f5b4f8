/**
 * What must never become a checkpoint, through the command line: each is refused with a code, a
 * place and a hint, and nothing is written but the record of a run that failed.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labAt } from '../../src/record/lab.ts';
import { listRuns } from '../../src/record/run-reader.ts';
import { encodeF32, type StoredFloat } from '../../src/weights/encode.ts';
import type { TensorToWrite } from '../../src/weights/safetensors-write.ts';
import type { Dtype } from '../../src/weights/source.ts';
import {
  type CheckpointChange,
  changedCheckpoint,
  onlyTensor,
} from '../support/changed-checkpoint.ts';
import { assayHere } from '../support/in-process.ts';
import { type Layout, writeQuantized } from '../support/quantized-checkpoint.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';
import { SPOILT_MODELS } from '../support/spoilt-models.ts';

const before = process.cwd();
let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'assay-refusing-'));
  // As from a shell: messages name paths as they were given.
  process.chdir(cwd);
  writeSmallCheckpoint(join(cwd, 'model'), {
    config: { hidden_size: 256, intermediate_size: 512 },
  });
});
afterAll(() => {
  process.chdir(before);
  rmSync(cwd, { recursive: true });
});

const Q0 = 'model.layers.0.self_attn.q_proj';
const QUANTIZE = ['--scheme', 'int4-g64', '--format', 'gptq'];
const DEQUANTIZE = ['dequantize', 'bad', 'out'];
const repackTo = (format: string) => ['repack', 'bad', 'out', '--format', format];

/** Nothing may be there that was not before, but for the record of what failed. */
async function refused(args: readonly string[], message: RegExp, code = 3): Promise<void> {
  const there = readdirSync(cwd).filter((name) => !/^(runs|seals)$/.test(name));
  const inside = readdirSync(join(cwd, 'bad')).sort();
  const said = await assayHere(['weights', ...args, '--no-hash'], cwd);
  expect({ code: said.code, stdout: said.stdout }, said.stderr).toEqual({ code, stdout: '' });
  expect(said.stderr).toMatch(message);
  expect(said.stderr).toMatch(/^hint: ./m);
  expect(said.stderr).not.toMatch(/\n\s+at .*[:(]\d+|node:internal|TypeError|this is a bug/);
  expect(readdirSync(cwd).filter((name) => !/^(runs|seals)$/.test(name))).toEqual(there);
  expect(readdirSync(join(cwd, 'bad')).sort()).toEqual(inside);
  const statuses = listRuns(labAt(cwd)).map((run) =>
    run.kind === 'closed' ? run.manifest.status : run.kind,
  );
  expect(statuses.filter((status) => status !== 'failed')).toEqual([]);
}

function quantized(scheme: string, layout: Layout, change: CheckpointChange): void {
  const from = join(cwd, `${scheme}-${layout}`);
  if (!existsSync(from)) writeQuantized({ from: join(cwd, 'model'), to: from, scheme, layout });
  rmSync(join(cwd, 'bad'), { recursive: true, force: true });
  changedCheckpoint(from, join(cwd, 'bad'), change);
}

function plain(spoil: (dir: string) => void): void {
  rmSync(join(cwd, 'bad'), { recursive: true, force: true });
  cpSync(join(cwd, 'model'), join(cwd, 'bad'), { recursive: true });
  spoil(join(cwd, 'bad'));
}

const without = (name: string): CheckpointChange => ({
  tensor: (tensor) => (tensor.name === name ? null : tensor),
});
const as = (name: string, change: Partial<TensorToWrite>): CheckpointChange => ({
  tensor: (tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor),
});

describe('codes without what they mean', () => {
  const cases: [string, [string, Layout], CheckpointChange, string[], RegExp][] = [
    [
      'FP8 without a scale',
      ['fp8-block128', 'fp8'],
      without(`${Q0}.weight_scale_inv`),
      DEQUANTIZE,
      /q_proj\.weight" has no scale: .*weight_scale_inv" is missing/,
    ],
    [
      'FP8 and a config that is silent',
      ['fp8-block128', 'fp8'],
      { config: (config) => delete config.quantization_config },
      ['quantize', 'bad', 'out', ...QUANTIZE],
      /weight_scale_inv" \(F32\) is quantized, and config\.json is silent/,
    ],
    [
      'a grid of scales that is not ⌈shape/block⌉',
      ['fp8-block128', 'fp8'],
      as(`${Q0}.weight_scale_inv`, { shape: [4, 1] }),
      DEQUANTIZE,
      /bad\/model\.safetensors: tensor ".*scale_inv".* have shape \[4, 1\], must have \[2, 2\]/,
    ],
    [
      'codes without a group of scales',
      ['int4-asym-g64', 'pack-quantized'],
      without(`${Q0}.weight_scale`),
      DEQUANTIZE,
      /q_proj\.weight_scale" is missing/,
    ],
    [
      'asymmetric codes without zero points',
      ['int4-asym-g128', 'awq'],
      without(`${Q0}.qzeros`),
      repackTo('gptq'),
      /q_proj\.qzeros" is missing/,
    ],
    [
      'a weight_shape that lies',
      ['int4-g64', 'pack-quantized'],
      { tensor: onlyTensor(`${Q0}.weight_shape`, (data) => data.fill(0xff, 8)) },
      DEQUANTIZE,
      /of 4 bits is not weight_shape \[256, -1\]/,
    ],
    [
      'groups that do not divide, says the config',
      ['int4-g64', 'gptq'],
      { config: (config) => Object.assign(config.quantization_config!, { group_size: 100 }) },
      repackTo('compressed-tensors'),
      /bad\/model\.safetensors: tensor ".*qweight": groups of 100 do not divide in = 512/,
    ],
    [
      'a group index beyond the groups',
      ['int4-g64', 'gptq-act-order'],
      { tensor: onlyTensor(`${Q0}.g_idx`, (data) => data.fill(9, 0, 1)) },
      DEQUANTIZE,
      /q_proj\.g_idx": input 0 is of group 9/,
    ],
    [
      'a module quantized and plain at once',
      ['int4-g64', 'gptq'],
      {
        tensor: (tensor) =>
          tensor.name === 'model.norm.weight' ? { ...tensor, name: `${Q0}.weight` } : tensor,
      },
      DEQUANTIZE,
      /"model\.layers\.0\.self_attn\.q_proj\.weight" would be written twice/,
    ],
  ];
  it.each(cases)('%s', async (_, [scheme, layout], change, args, message) => {
    quantized(scheme, layout, change);
    await refused(args, message);
  });
});

describe('a scale that is', () => {
  const places: [string, [string, Layout], string, Dtype, string[]][] = [
    ['FP8 blocks', ['fp8-block128', 'fp8'], 'weight_scale_inv', 'F32', DEQUANTIZE],
    ['FP8 rows', ['fp8-channel', 'float-quantized'], 'weight_scale', 'BF16', DEQUANTIZE],
    ['INT8 rows', ['int8-channel', 'int-quantized'], 'weight_scale', 'BF16', DEQUANTIZE],
    ['INT4 groups', ['int4-g64', 'pack-quantized'], 'weight_scale', 'BF16', repackTo('gptq')],
    ['GPTQ', ['int4-g64', 'gptq'], 'scales', 'F16', repackTo('compressed-tensors')],
    ['AWQ', ['int4-asym-g128', 'awq'], 'scales', 'F16', DEQUANTIZE],
  ];
  const values = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0];
  const cases = places.flatMap((place) => values.map((value) => [value, ...place] as const));
  it.each(cases)('%d in %s', async (value, _, [scheme, layout], name, dtype, args) => {
    const last = (data: Uint8Array): Uint8Array => {
      const bytes = encodeF32(Float32Array.of(value), dtype as StoredFloat);
      const changed = data.slice();
      changed.set(bytes, data.length - bytes.length);
      return changed;
    };
    quantized(scheme, layout, { tensor: onlyTensor(`${Q0}.${name}`, last) });
    const text = String(value).replace('Infinity', '∞|Infinity');
    await refused(args, new RegExp(`${Q0}\\.${name}" holds (?:${text}) (?:at index|for row) \\d+`));
  });

  it('NaN as a power of two, which one byte 255 is', async () => {
    quantized(
      'fp8-block128',
      'fp8',
      as(`${Q0}.weight_scale_inv`, { dtype: 'F8_E8M0', data: Uint8Array.of(127, 127, 255, 127) }),
    );
    await refused(DEQUANTIZE, /weight_scale_inv" holds NaN at index 2/);
  });
});

describe('files that lie', () => {
  const ofWeights = SPOILT_MODELS.filter(([name]) => !/config|tokenizer|architecture/.test(name));
  it.each(ofWeights.map(([name, spoil, message]) => ({ name, spoil, message })))(
    '$name',
    async ({ spoil, message }) => {
      plain(spoil);
      await refused(['quantize', 'bad', 'out', ...QUANTIZE], message);
      rmSync(join(cwd, 'outside.safetensors'), { force: true });
    },
  );

  const ofConfig = SPOILT_MODELS.filter(([name]) => /quantization|config\.json/.test(name));
  it.each(ofConfig.map(([name, spoil, message]) => ({ name, spoil, message })))(
    '$name',
    async ({ name, spoil, message }) => {
      plain(spoil);
      // Its weights can be looked at, but a model without a config cannot be made.
      const said = name === 'no config.json' ? /bad: has no config\.json/ : message;
      await refused(['quantize', 'bad', 'out', ...QUANTIZE], said);
    },
  );

  it.each(['model.safetensors', 'config.json', 'tokenizer.json'])(
    '%s as a link out of the directory',
    async (name) => {
      plain((dir) => {
        mkdirSync(join(cwd, 'elsewhere'), { recursive: true });
        renameSync(join(dir, name), join(cwd, 'elsewhere', name));
        symlinkSync(join(cwd, 'elsewhere', name), join(dir, name));
      });
      const message = new RegExp(`bad/${name.replace('.', '\\.')}: a link out of the model's dir`);
      await refused(['quantize', 'bad', 'out', ...QUANTIZE], message);
    },
  );
});

describe('what was not meant', () => {
  it('input that is quantized already, or is not', async () => {
    quantized('int4-g64', 'gptq', {});
    await refused(['quantize', 'bad', 'out', ...QUANTIZE], /bad: is quantized already \(gptq\)/);
    plain(() => {});
    await refused(DEQUANTIZE, /bad: is not quantized/);
    await refused(repackTo('awq'), /quantization is none, wanted awq/, 2);
  });

  it('siblings of mixed schemes, and a group that does not divide', async () => {
    plain(() => {});
    const ignore = ['--ignore', 're:.*k_proj$'];
    const sibling = /"model\.layers\.0.*k_proj\.weight".*|would be int4-g64/;
    await refused(['quantize', 'bad', 'out', ...QUANTIZE, ...ignore], sibling);
    rmSync(join(cwd, 'bad'), { recursive: true });
    writeSmallCheckpoint(join(cwd, 'bad'), { config: { hidden_size: 96 } });
    const args = ['--scheme', 'int4-g128', '--format', 'gptq'];
    await refused(['quantize', 'bad', 'out', ...args], /groups of 128 do not divide in = 96/);
  });

  it('an output that is the input, is there, or has no place', async () => {
    plain(() => {});
    const to = (out: string) => ['quantize', 'bad', out, ...QUANTIZE];
    await refused(to('bad'), /bad: input and output are the same/, 2);
    await refused(to('./model/../bad/'), /are the same/, 2);
    await refused(to('model'), /model: exists already/, 2);
    await refused(to('no/where'), /no: is no directory that exists/, 2);
    symlinkSync('bad', join(cwd, 'alias'));
    await refused(to('alias'), /alias: exists already/, 2);
    rmSync(join(cwd, 'alias'));
    writeFileSync(join(cwd, 'file'), 'x');
    await refused(to('file'), /file: exists already/, 2);
    await refused(to('file/out'), /file: is no directory that exists/, 2);
  });
});
