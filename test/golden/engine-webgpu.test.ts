/**
 * A GPU against the CPU. Skipped where there is no adapter; what needs more than 31 tokens also
 * where the adapter (a software one) computes attention wrongly there.
 */
import { describe, expect, test } from 'vitest';
import { describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import { dummySource } from '../../src/engine/embedded/dummy.ts';
import { openEmbedded } from '../../src/engine/embedded/embedded-engine.ts';
import { forward } from '../../src/engine/embedded/forward.ts';
import { runBest, runLogits, scoreWindows } from '../../src/engine/embedded/score.ts';
import { EngineError } from '../../src/record/errors.ts';
import { parseScheme, SCHEMES } from '../../src/weights/scheme.ts';
import { ADAPTER_DIFFERENCE, EXACT_DEVICES } from './engine-devices.ts';
import { dummyModel, openDummy, someIds } from './engine-models.ts';

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 128,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 2,
  intermediate_size: 256,
  vocab_size: 300,
  max_position_embeddings: 128,
};
const ROWS = [someIds(19, 300, 1), someIds(8, 300, 2)];
const AT = ROWS.flatMap((row, r) => row.map((_, i) => r * 19 + i));

type Options = NonNullable<Parameters<typeof openDummy>[1]>;

async function logitsOf(options: Options): Promise<Float32Array> {
  const { model, close } = await openDummy(dummyModel(CONFIG), options);
  const lengths = ROWS.map((row) => row.length);
  const hidden = await forward(model, { rows: ROWS, lengths, cache: null });
  const logits = (await runLogits(model, hidden.feeds(AT), AT.length)).slice();
  const best = await runBest(model, hidden.feeds(AT), AT.length);
  AT.forEach((_, i) => {
    const row = logits.subarray(i * 300, (i + 1) * 300);
    expect(best[i]).toBe(row.indexOf(Math.max(...row)));
  });
  await close();
  return logits;
}

function difference(a: Float32Array, b: Float32Array): number {
  let most = 0;
  let largest = 0;
  a.forEach((value, i) => {
    const off = Math.abs(value - b[i]!);
    if (!(off <= most)) most = off;
    largest = Math.max(largest, Math.abs(b[i]!));
  });
  return most / largest;
}

describe.skipIf(ADAPTER_DIFFERENCE === null)('on a GPU', () => {
  const schemes = SCHEMES.map(({ text }) => text);

  test.each(schemes)('%s with f32 activations is what the CPU computes', async (scheme) => {
    const want = await logitsOf({ scheme });
    expect(difference(await logitsOf({ scheme, device: 'webgpu' }), want)).toBeLessThan(1e-5);
  });

  test.each(schemes.filter((scheme) => scheme.startsWith('int')))(
    '%s with int8 activations quantizes them, for one token as for many',
    async (scheme) => {
      const weightOnly = await logitsOf({ scheme });
      const fast = await logitsOf({ scheme, device: 'webgpu', activations: 'int8' });
      // Every row on its own: the runtime chooses kernels by how many tokens there are.
      for (let row = 0; row < AT.length; row++) {
        const part = (all: Float32Array): Float32Array => all.subarray(row * 300, (row + 1) * 300);
        expect(difference(part(fast), part(weightOnly))).toBeGreaterThan(1e-4);
        expect(difference(part(fast), part(weightOnly))).toBeLessThan(0.2);
      }
      const { model, close } = await openDummy(dummyModel(CONFIG), {
        ...{ scheme, device: 'webgpu', activations: 'int8' },
      });
      const one = await forward(model, { rows: [[7]], lengths: [1], cache: null });
      const got = (await runLogits(model, one.feeds([0]), 1)).slice();
      await close();
      const plain = await openDummy(dummyModel(CONFIG), { scheme });
      const same = await forward(plain.model, { rows: [[7]], lengths: [1], cache: null });
      const want = await runLogits(plain.model, same.feeds([0]), 1);
      expect(difference(got, want)).toBeGreaterThan(1e-4);
      await plain.close();
    },
  );

  test('f16 arithmetic loses what 11 bits lose', async () => {
    const want = await logitsOf({ scheme: 'f16' });
    const got = await logitsOf({ scheme: 'f16', device: 'webgpu', compute: 'f16' });
    const off = difference(got, want);
    expect(off).toBeGreaterThan(1e-5);
    expect(off).toBeLessThan(3e-2);
  });

  test('scores of rows in one batch are those of the CPU', async () => {
    const windows = ROWS.map((ids) => ({ ids, scoreFrom: 1 }));
    const results = [];
    for (const device of ['cpu', 'webgpu'] as const) {
      const { model, close } = await openDummy(dummyModel(CONFIG), { device });
      results.push(await scoreWindows(model, windows, new AbortController().signal));
      await close();
    }
    const [cpu, gpu] = results;
    cpu!.forEach((want, row) => {
      const got = gpu![row]!;
      expect([...got.hit]).toEqual([...want.hit]);
      for (const part of ['logp', 'topLogp', 'sumSquares'] as const) {
        got[part].forEach((value, i) => {
          expect(Math.abs(value - want[part][i]!)).toBeLessThan(2e-5);
        });
      }
    });
  });
});

const engineOptions = () => {
  const arch = describeArchitecture(CONFIG);
  return {
    ...{ arch, source: dummySource(arch, { dtype: 'BF16', seed: 0 }), device: 'webgpu' as const },
    ...{ activations: 'int8' as const, batchTokens: 64, scheme: parseScheme('int4-g128') },
    identity: {
      ...{ id: 'test', source: 'dummy' as const, revision: null, architecture: 'test' },
      ...{ parameters: 0, storedDtype: 'BF16', dummyWeights: true, files: [] },
      configSha256: '0'.repeat(64),
    },
  };
};

test.skipIf(!EXACT_DEVICES.includes('webgpu'))(
  'an engine says what it does not do there',
  async () => {
    const engine = await openEmbedded(engineOptions());
    expect(engine.info).toMatchObject({ device: 'webgpu', precision: 'W4A8', activations: 'int8' });
    // Only whole numbers: lengths and shapes.
    const ops = new Set(engine.info.fallback!.map(({ op }) => op));
    expect([...ops].sort()).toEqual(['Cast', 'Concat', 'Shape', 'Sub']);
    await engine.close();
  },
);

test.skipIf(ADAPTER_DIFFERENCE === null || EXACT_DEVICES.includes('webgpu'))(
  'an adapter that computes attention wrongly is refused',
  async () => {
    const error = await openEmbedded(engineOptions()).catch((cause) => cause);
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toMatch(/computes attention wrongly: 80 tokens differ from the CPU's by/);
    expect(error.hint).toMatch(/--device cpu/);
  },
);
