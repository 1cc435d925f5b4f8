import { describe, expect, test } from 'vitest';
import { UsageError } from '../../record/errors.ts';
import type { ModelIdentity } from '../../record/schema.ts';
import { parseScheme } from '../../weights/scheme.ts';
import type { GenerateRequest, WithRouting } from '../engine.ts';
import { describeArchitecture } from './architecture.ts';
import { dummySource } from './dummy.ts';
import { type EmbeddedEngine, type EmbeddedOptions, openEmbedded } from './embedded-engine.ts';

const DENSE = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  hidden_size: 32,
  num_attention_heads: 2,
  num_hidden_layers: 4,
  intermediate_size: 48,
  vocab_size: 50,
  max_position_embeddings: 32,
};
const MOE = {
  ...DENSE,
  architectures: ['Qwen2MoeForCausalLM'],
  model_type: 'qwen2_moe',
  num_experts: 12,
  num_experts_per_tok: 3,
  moe_intermediate_size: 32,
  shared_expert_intermediate_size: 32,
  decoder_sparse_step: 2,
};
const identity: ModelIdentity = {
  id: 'test',
  source: 'dummy',
  revision: null,
  architecture: 'test',
  parameters: 0,
  storedDtype: 'BF16',
  dummyWeights: true,
  configSha256: '0'.repeat(64),
  files: [],
};
const go = new AbortController().signal;

function open(config: object, more: Partial<EmbeddedOptions> = {}): Promise<EmbeddedEngine> {
  const arch = describeArchitecture(config as Record<string, unknown>);
  const source = dummySource(arch, { dtype: 'BF16', seed: 0 });
  const scheme = parseScheme('f32');
  const given = { arch, source, identity, scheme, activations: 'f32', batchTokens: 16 } as const;
  return openEmbedded({ ...given, threads: 1, ...more });
}

interface Routed {
  readonly phase: string;
  readonly position: number;
  readonly ids: number[];
  readonly shares: number[];
}

/** Routes of each request, token by token. */
async function routed(
  engine: EmbeddedEngine & WithRouting,
  batch: readonly GenerateRequest[],
): Promise<{ routes: Routed[][]; tokens: number[][] }> {
  const routes: Routed[][] = batch.map(() => []);
  const results = await engine.generateRouted(
    batch,
    {
      onToken() {},
      onRoutes({ request, phase, from, tokens, ids, shares }) {
        const size = ids.length / tokens;
        for (let token = 0; token < tokens; token++) {
          routes[request]!.push({
            phase,
            position: from + token,
            ids: [...ids.subarray(token * size, (token + 1) * size)],
            shares: [...shares.subarray(token * size, (token + 1) * size)],
          });
        }
      },
    },
    go,
  );
  return { routes, tokens: results.map(({ ids }) => ids) };
}

const BATCH: GenerateRequest[] = [
  { ids: [1, 2, 3, 4, 5, 6, 7], maxNewTokens: 3, stopIds: [] },
  { ids: [9], maxNewTokens: 8, stopIds: [] },
  { ids: [11, 12, 13, 14, 15, 16, 17, 18, 19, 20], maxNewTokens: 5, stopIds: [] },
];

describe('routing', () => {
  test('every fed token once, in order, whatever the batch', async () => {
    const engine = (await open(MOE, { routing: true })) as EmbeddedEngine & WithRouting;
    expect(engine.routing).toEqual({ layers: [1, 3], experts: 12, topK: 3, normalized: false });
    const together = await routed(engine, BATCH);
    for (const [r, request] of BATCH.entries()) {
      const prompt = request.ids.length;
      const all = together.routes[r]!;
      expect(all.map(({ position }) => position)).toEqual(
        Array.from({ length: prompt + request.maxNewTokens - 1 }, (_, i) => i),
      );
      expect(all.map(({ phase }) => phase === 'prefill')).toEqual(all.map((_, i) => i < prompt));
      const alone = await routed(engine, [request]);
      expect(together.tokens[r]).toEqual(alone.tokens[0]);
      all.forEach(({ ids, shares }, t) => {
        expect(ids).toEqual(alone.routes[0]![t]!.ids);
        const off = shares.map((share, i) => Math.abs(share - alone.routes[0]![t]!.shares[i]!));
        expect(Math.max(...off)).toBeLessThan(1e-6);
      });
    }
    await engine.close();
  });

  test('ids are distinct and in range, shares fall and sum to less than 1', async () => {
    const engine = (await open(MOE, { routing: true })) as EmbeddedEngine & WithRouting;
    const { routes } = await routed(engine, BATCH);
    await engine.close();
    for (const { ids, shares } of routes.flat()) {
      for (const from of [0, 3]) {
        const chosen = ids.slice(from, from + 3);
        expect(new Set(chosen).size).toBe(3);
        expect(chosen.every((id) => id >= 0 && id < 12)).toBe(true);
        const of = shares.slice(from, from + 3);
        expect(of).toEqual([...of].sort((a, b) => b - a));
        const sum = of.reduce((all, share) => all + share, 0);
        expect(sum).toBeGreaterThan(3 / 12);
        expect(sum).toBeLessThan(1);
      }
    }
  });

  test('does not change what is generated; absent unless it is asked for', async () => {
    const plain = await open(MOE);
    expect('routing' in plain).toBe(false);
    const traced = (await open(MOE, { routing: true })) as EmbeddedEngine & WithRouting;
    const want = await plain.generate(BATCH, () => {}, go);
    expect((await routed(traced, BATCH)).tokens).toEqual(want.map(({ ids }) => ids));
    expect(await traced.generate(BATCH, () => {}, go)).toEqual(want);
    await plain.close();
    await traced.close();
  });

  test('a model without routers and a GPU are refused', async () => {
    await expect(open(DENSE, { routing: true })).rejects.toThrow(UsageError);
    await expect(open({ ...MOE, mlp_only_layers: [1, 3] }, { routing: true })).rejects.toThrow(
      /no router/,
    );
    await expect(open(MOE, { device: 'webgpu' })).rejects.toThrow(/CPU only/);
  });

  test('experts without a kernel are said to run as f32', async () => {
    const narrow = { ...MOE, moe_intermediate_size: 16 };
    const of = async (config: object, scheme: string): Promise<string | null> => {
      const engine = await open(config, { scheme: parseScheme(scheme) });
      await engine.close();
      return engine.info.simulated;
    };
    expect(await of(MOE, 'int4-g32')).toBeNull();
    expect(await of(narrow, 'int4-g32')).toMatch(/no kernel takes the experts/);
    expect(await of(narrow, 'f32')).toBeNull();
  });
});
