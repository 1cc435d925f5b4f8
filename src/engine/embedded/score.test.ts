import { describe, expect, test } from 'vitest';
import { parseScheme } from '../../weights/scheme.ts';
import { describeArchitecture } from './architecture.ts';
import { dummySource } from './dummy.ts';
import { forward } from './forward.ts';
import { openModelGraphs } from './model-graphs.ts';
import { loadRuntime } from './runtime.ts';
import { headChunk, type LoadedModel, runLogits, scoreWindows } from './score.ts';
import { storedWeights } from './stored-weights.ts';

/** A wide vocabulary: sums over it are where f32 could lose. */
const arch = describeArchitecture({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 32,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  intermediate_size: 48,
  vocab_size: 151_936,
  max_position_embeddings: 256,
});
const go = new AbortController().signal;
const ids = Array.from({ length: 150 }, (_, i) => (i * 7919) % arch.vocabSize);

async function withModel(work: (model: LoadedModel) => Promise<void>): Promise<void> {
  const ort = await loadRuntime();
  const source = dummySource(arch, { dtype: 'BF16', seed: 0 });
  const graphs = await openModelGraphs(ort, arch, {
    stored: storedWeights(source, arch, { scheme: parseScheme('f32') }),
    activations: 'f32',
    threads: 1,
  });
  try {
    await work({ ort, arch, ...graphs });
  } finally {
    await graphs.close();
  }
}

describe('scoring', () => {
  test('log p, top and Σp² of 151,936 logits against f64 on the same logits', async () => {
    await withModel(async (model) => {
      const [score] = await scoreWindows(model, [{ ids, scoreFrom: 1 }], go);
      const hidden = await forward(model, { rows: [ids], lengths: [ids.length], cache: null });
      const worst = { logp: 0, top: 0, squares: 0 };
      for (let i = 0; i + 1 < ids.length; i += 30) {
        const logits = await runLogits(model, hidden.feeds([i]), 1);
        const max = logits.reduce((most, value) => Math.max(most, value));
        let sum = 0;
        let squares = 0;
        for (const value of logits) {
          sum += Math.exp(value - max);
          squares += Math.exp(2 * (value - max));
        }
        const off = (kind: keyof typeof worst, got: number, want: number): void => {
          worst[kind] = Math.max(worst[kind], Math.abs(got - want));
        };
        off('logp', score!.logp[i]!, logits[ids[i + 1]!]! - max - Math.log(sum));
        off('top', score!.topLogp[i]!, -Math.log(sum));
        off('squares', score!.sumSquares[i]!, squares / sum ** 2);
        expect(score!.hit[i]).toBe(logits.indexOf(max) === ids[i + 1] ? 1 : 0);
      }
      console.log('largest differences', worst);
      expect(worst.logp).toBeLessThan(3e-6);
      expect(worst.top).toBeLessThan(3e-6);
      expect(worst.squares).toBeLessThan(1e-7);
    });
  });

  test('an abort between two chunks of the head stops it', async () => {
    await withModel(async (model) => {
      const abort = new AbortController();
      const [first] = [headChunk(arch)];
      expect(ids.length).toBeGreaterThan(2 * first);
      let runs = 0;
      const head = new Proxy(model.head, {
        get(target, key) {
          if (key !== 'run') return Reflect.get(target, key);
          return async (...call: Parameters<typeof target.run>) => {
            runs += 1;
            const results = await target.run(...call);
            abort.abort();
            return results;
          };
        },
      });
      const scored = scoreWindows({ ...model, head }, [{ ids, scoreFrom: 1 }], abort.signal);
      await expect(scored).rejects.toThrow('interrupted');
      expect(runs).toBe(1);
    });
  });

  test('chunks shrink with the vocabulary, within bounds', () => {
    expect(headChunk(arch)).toBe(55);
    expect(headChunk({ ...arch, vocabSize: 1000 })).toBe(128);
    expect(headChunk({ ...arch, vocabSize: 2 ** 24 })).toBe(16);
  });
});
