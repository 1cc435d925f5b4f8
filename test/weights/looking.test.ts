/** Checkpoints in every layout, whole and spoilt, as `inspect`, `autopsy` and `diff` see them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examine } from '../../src/weights/autopsy/autopsy.ts';
import { TensorScan } from '../../src/weights/autopsy/tensor-scan.ts';
import { diffCheckpoints } from '../../src/weights/diff/diff.ts';
import { sqnrOf } from '../../src/weights/diff/tensor-difference.ts';
import { globFilter, inspect } from '../../src/weights/inspect/inspection.ts';
import { type LookedAt, lookAt, storedValues } from '../../src/weights/looked-at.ts';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import {
  type CheckpointChange,
  changedCheckpoint,
  onlyTensor,
} from '../support/changed-checkpoint.ts';
import { type Layout, writeQuantized } from '../support/quantized-checkpoint.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';

let dir: string;
let original: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-looking-'));
  original = join(dir, 'original');
  // Wider than a group, so that a group is no whole row.
  const config = { hidden_size: 256, intermediate_size: 512 };
  writeSmallCheckpoint(original, { config });
});
afterAll(() => rmSync(dir, { recursive: true }));

const signal = new AbortController().signal;
const LAYOUTS: [string, Layout][] = [
  ['int4-g128', 'pack-quantized'],
  ['int4-asym-g64', 'pack-quantized'],
  ['int8-channel', 'int-quantized'],
  ['fp8-channel', 'float-quantized'],
  ['fp8-block128', 'fp8'],
  ['int4-g32', 'gptq'],
  ['int4-g64', 'gptq-act-order'],
  ['int4-asym-g128', 'awq'],
];
const Q0 = 'model.layers.0.self_attn.q_proj';

function quantized(scheme: string, layout: Layout): string {
  const to = join(dir, `${scheme}-${layout}`);
  writeQuantized({ from: original, to, scheme, layout });
  return to;
}

const spoilt = (from: string, change: CheckpointChange): string =>
  changedCheckpoint(from, mkdtempSync(join(dir, 'spoilt-')), change);

async function look<T>(path: string, what: (looked: LookedAt) => T): Promise<Awaited<T>> {
  const looked = lookAt(path);
  try {
    return await what(looked);
  } finally {
    looked.close();
  }
}

const inspected = (path: string) => look(path, (looked) => inspect(looked, () => true));
const compared = (a: string, b: string) =>
  look(a, (first) => look(b, (second) => diffCheckpoints(first, second, { signal })));

describe.each(LAYOUTS)('%s as %s', (scheme, layout) => {
  it('is recognised, fits together, and differs by rounding only', async () => {
    const path = quantized(scheme, layout);
    const { problems, vllm, tensors, method } = await inspected(path);
    const refused = vllm.filter(({ severity }) => severity === 'refused');
    expect(problems).toEqual([]);
    expect(refused.length).toBe(layout === 'gptq-act-order' ? 1 : 0);
    expect(method).not.toBeNull();
    expect(tensors.find(({ name }) => name === `${Q0}.weight`)?.scheme).toBe(scheme);
    const {
      tensors: differences,
      onlyInFirst,
      onlyInSecond,
      skipped,
      layers,
    } = await compared(original, path);
    expect({ onlyInFirst, onlyInSecond, skipped }).toEqual({
      onlyInFirst: [],
      onlyInSecond: [],
      skipped: [],
    });
    for (const difference of differences) {
      const { name, verdict, beyond, noise, roundingNoise } = difference;
      if (!name.endsWith('_proj.weight')) expect([name, verdict]).toEqual([name, 'identical']);
      else {
        expect([name, verdict, beyond]).toEqual([name, 'rounding', 0]);
        expect(noise / roundingNoise).toBeLessThan(1.5);
        expect(sqnrOf(difference)).toBeGreaterThan(15);
      }
    }
    expect(layers.map(({ layer }) => layer)).toEqual([null, 0, 1]);
    const { tensors: examined, skipped: unexamined } = await look(path, (looked) =>
      examine(looked, { signal }),
    );
    expect(unexamined).toEqual([]);
    expect(examined.length).toBe(differences.length);
    await look(path, (looked) => {
      for (const { name, shape, statistics } of examined) {
        const tensor = looked.tensors.find((each) => each.name === name)!;
        const scan = new TensorScan(shape);
        for (const values of storedValues(tensor, looked.readAt)) scan.add(values);
        // In other pieces: sums are rounded in another order.
        const { mean, std, kurtosis, outliers, ...counted } = scan.finish();
        expect(statistics).toMatchObject(counted);
        expect(statistics.std! / std!).toBeCloseTo(1, 12);
        expect(statistics.kurtosis! / kurtosis!).toBeCloseTo(1, 10);
        expect(Math.abs(statistics.mean! - mean!)).toBeLessThan(1e-12);
        expect(statistics.outliers.map(({ channel }) => channel)).toEqual(
          outliers.map(({ channel }) => channel),
        );
      }
    });
  });
});

describe('diff finds', () => {
  it('codes unpacked in another way', async () => {
    const path = quantized('int4-g128', 'pack-quantized');
    const wrong = spoilt(path, {
      // Two's complement instead of 8 more.
      tensor: onlyTensor(`${Q0}.weight_packed`, (data) => data.map((byte) => byte ^ 0x88)),
    });
    const { tensors, layers } = await compared(original, wrong);
    expect(tensors.filter(({ verdict }) => verdict === 'wrong').map(({ name }) => name)).toEqual([
      `${Q0}.weight`,
    ]);
    expect(layers[1]?.verdict).toBe('wrong');
  });

  it('scales in another order, and one code that is off', async () => {
    const path = quantized('int4-g64', 'gptq');
    const shifted = spoilt(path, {
      tensor: onlyTensor(`${Q0}.scales`, (data) =>
        data.map((_, i) => data[(i + 64) % data.length]!),
      ),
    });
    const scales = (await compared(original, shifted)).tensors.find((t) => t.name.startsWith(Q0));
    expect(scales?.beyond).toBeGreaterThan(0);
    const one = spoilt(path, {
      tensor: onlyTensor(`${Q0}.qweight`, (data) => {
        const changed = data.slice();
        // Word [1, 3]: inputs 8 to 15 of row 3; its second byte has inputs 10 and 11.
        changed[(256 + 3) * 4 + 1]! ^= 0x40;
        return changed;
      }),
    });
    const { tensors } = await compared(path, one);
    const changed = tensors.filter(({ verdict }) => verdict !== 'identical');
    expect(changed).toMatchObject([
      { name: `${Q0}.weight`, beyond: 1, maxErrorRow: 3, maxErrorColumn: 11, verdict: 'moved' },
    ]);
  });

  it('what is missing, of another shape, NaN on one side, or of another model', async () => {
    const other = spoilt(original, {
      tensor: (tensor) => {
        if (tensor.name === 'model.norm.weight') return { ...tensor, name: 'model.other' };
        if (tensor.name === `${Q0}.weight`) return { ...tensor, shape: [128, 512] };
        if (tensor.name !== 'lm_head.weight') return tensor;
        const data = tensor.data.slice();
        data.fill(0xff, 0, 4);
        return { ...tensor, data };
      },
    });
    const { tensors, onlyInFirst, onlyInSecond, skipped } = await compared(original, other);
    expect({ onlyInFirst, onlyInSecond }).toEqual({
      onlyInFirst: ['model.norm.weight'],
      onlyInSecond: ['model.other'],
    });
    expect(skipped).toEqual([
      { name: `${Q0}.weight`, reason: '256×256 in the first, 128×512 in the second' },
    ]);
    const head = tensors.find(({ name }) => name === 'lm_head.weight');
    expect(head?.nonFinite).toBeGreaterThan(0);
    expect(head?.verdict).toBe('changed');
  });
});

describe('inspect finds', () => {
  it.each<[string, [string, Layout], CheckpointChange, RegExp]>([
    [
      'a matrix without scales',
      ['fp8-block128', 'fp8'],
      { tensor: (t) => (t.name === `${Q0}.weight_scale_inv` ? null : t) },
      /q_proj.*no scale|weight_scale_inv.*missing/,
    ],
    [
      'a scale that is no scale',
      ['int4-g64', 'gptq'],
      { tensor: onlyTensor(`${Q0}.scales`, (data) => data.fill(0)) },
      /scales\[0\] is 0/,
    ],
    [
      'another block size in the config',
      ['fp8-block128', 'fp8'],
      {
        config: (c) => Object.assign(c.quantization_config ?? {}, { weight_block_size: [64, 64] }),
      },
      /must have \[4, 4\]/,
    ],
    [
      'another group size in the config',
      ['int4-g64', 'gptq'],
      { config: (c) => Object.assign(c.quantization_config ?? {}, { group_size: 32 }) },
      /shape/,
    ],
    [
      'a quantized module that the config lists as kept',
      ['int8-channel', 'int-quantized'],
      { config: (c) => c.quantization_config?.ignore?.push('re:.*q_proj$') },
      /q_proj is quantized, and config\.json lists it as kept/,
    ],
    [
      'a config that is silent',
      ['fp8-block128', 'fp8'],
      { config: (c) => delete c.quantization_config },
      /config\.json is silent/,
    ],
  ])('%s', async (_, [scheme, layout], change, message) => {
    const { problems, vllm } = await inspected(spoilt(quantized(scheme, layout), change));
    expect(problems.join('\n')).toMatch(message);
    if (!/kept/.test(problems[0]!)) expect(vllm[0]).toMatchObject({ severity: 'refused' });
  });

  it('a plain matrix that the config does not list, and mixed siblings', async () => {
    const path = quantized('int8-channel', 'int-quantized');
    const source = openSafetensors(join(original, 'model.safetensors'));
    const { problems, vllm } = await inspected(
      spoilt(path, {
        tensor: (tensor) => {
          if (tensor.name === `${Q0}.weight_scale`) return null;
          if (tensor.name !== `${Q0}.weight`) return tensor;
          return { ...source.info(tensor.name), data: source.read(tensor.name) };
        },
      }),
    );
    source.close();
    expect(problems).toEqual([`${Q0} is not quantized, and config.json does not list it as kept`]);
    expect(vllm).toMatchObject([{ severity: 'refused' }]);
    expect(vllm[0]?.message).toMatch(/become one matrix, but are/);
  });

  it('integers without quantized inputs, which vLLM has no scheme for', async () => {
    const path = spoilt(quantized('int8-channel', 'int-quantized'), {
      config: (c) => {
        Object.assign(c.quantization_config?.config_groups?.group_0 ?? {}, {
          input_activations: null,
        });
      },
    });
    const { problems, vllm } = await inspected(path);
    expect(problems).toEqual([]);
    expect(vllm).toMatchObject([{ severity: 'refused' }]);
    expect(vllm[0]?.message).toContain('without input_activations');
  });

  it('a single file and a directory without a config', async () => {
    const file = await inspected(join(original, 'model.safetensors'));
    expect(file.method).toBeNull();
    expect(file.problems).toEqual([]);
    expect(file.tensors.length).toBeGreaterThan(0);
    const fp8 = await inspected(join(quantized('fp8-block128', 'fp8'), 'model.safetensors'));
    expect(fp8.method).toBe('fp8');
  });
});

describe('a glob', () => {
  it.each<[string, string, boolean]>([
    ['*.layers.0.*', 'model.layers.0.mlp.up_proj.weight', true],
    ['*.layers.0.*', 'model.layers.10.mlp.up_proj.weight', false],
    ['*.layers.?.*', 'model.layers.7.x', true],
    ['lm_head.weight', 'lm_head.weight', true],
    ['lm_head', 'lm_head.weight', false],
    ['a.(b)*', 'a.(b)+', true],
    ['a.b', 'axb', false],
  ])('%s on %s: %s', (glob, name, matches) => {
    expect(globFilter(glob)(name)).toBe(matches);
  });
});
