import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { EOS_ID } from '../support/byte-tokenizer.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
});
afterAll(() => bench.remove());

interface Output {
  readonly prompt: string;
  readonly text: string;
  readonly ids: readonly number[];
  readonly finish: string;
}

async function generate(...more: string[]): Promise<Output[]> {
  const length = more.includes('--max-tokens') ? [] : ['--max-tokens', '24'];
  const args = ['generate', '--model', 'model', '--threads', '1', '--json'];
  const result = await bench.assay([...args, ...length, ...more]);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return result.json<{ outputs: Output[] }>().outputs;
}

describe('assay generate', () => {
  it('is greedy by default: the same tokens every time', async () => {
    const [first] = await generate('--prompt', 'In the village');
    const [second] = await generate('--prompt', 'In the village');
    expect(second).toEqual(first);
    expect(first!.ids.length).toBeGreaterThan(0);
    expect(first!.ids.length).toBeLessThanOrEqual(24);
    expect(first!.finish).toBe(first!.ids.at(-1) === EOS_ID ? 'stop' : 'length');
  });

  it.each([[[]], [['--temperature', '0.9', '--top-k', '20', '--top-p', '0.9', '--seed', '3']]])(
    'gives in a batch what each prompt gives alone: %j',
    async (sampling) => {
      const prompts = ['a', 'a longer prompt of some words', 'mid size'];
      const batch = await generate('--prompt', ...prompts, ...sampling);
      expect(batch.map((output) => output.prompt)).toEqual(prompts);
      if (sampling.length === 0) {
        for (const [i, prompt] of prompts.entries()) {
          expect((await generate('--prompt', prompt))[0]).toEqual(batch[i]);
        }
      } else {
        // Each request draws from its own seed: that of the first is the one given.
        expect((await generate('--prompt', prompts[0]!, ...sampling))[0]).toEqual(batch[0]);
      }
    },
  );

  it('samples by its seed', async () => {
    const sample = (seed: string) =>
      generate('--prompt', 'x', '--temperature', '1', '--seed', seed);
    const [one, again, two] = [await sample('1'), await sample('1'), await sample('2')];
    expect(again).toEqual(one);
    expect(two[0]!.ids).not.toEqual(one[0]!.ids);
  });

  it('streams the text of one prompt, and nothing else', async () => {
    const [output] = await generate('--prompt', 'In the village');
    const args = ['generate', '--model', 'model', '--max-tokens', '24', '--threads', '1'];
    const result = await bench.assay([...args, '--prompt', 'In the village']);
    expect(result).toMatchObject({ code: 0, stdout: `${output!.text}\n`, stderr: '' });
    expect(bench.leftovers()).toEqual([]);
  });

  it('ends before a stop text, also when one of several prompts has it', async () => {
    const [whole] = await generate('--prompt', 'In the village');
    const plain = [...whole!.text].findIndex((c, i) => i > 1 && /^[\x20-\x7e]$/.test(c));
    const stop = [...whole!.text][plain]!;
    const [stopped] = await generate('--prompt', 'In the village', '--stop', stop);
    expect(stopped!.text).toBe(whole!.text.slice(0, whole!.text.indexOf(stop)));
    expect(stopped!.finish).toBe('stop');
    const both = await generate('--prompt', 'In the village', 'zz', '--stop', stop);
    expect(both[0]).toMatchObject({ text: stopped!.text, finish: 'stop' });
    const [alone] = await generate('--prompt', 'zz', '--stop', stop);
    expect(both[1]).toMatchObject({ text: alone!.text, finish: alone!.finish });
  });

  it('obeys --max-tokens', async () => {
    const [one] = await generate('--prompt', 'In the village', '--max-tokens', '1');
    expect(one!.ids.length).toBe(1);
  });

  it('refuses a prompt that the model cannot hold, before it starts', async () => {
    const args = ['generate', '--model', 'model', '--prompt', 'x'.repeat(300)];
    const result = await bench.assay(args);
    expect([2, 3]).toContain(result.code);
    expect(result.stderr).toMatch(/256/);
    expect(result.stderr).not.toMatch(/\n {4}at /);
  });

  it('says that a base model has no chat template', async () => {
    const result = await bench.assay(['generate', '--model', 'model', '--prompt', 'x', '--chat']);
    expect(result).toMatchObject({ code: 3, stdout: '' });
    expect(result.stderr).toContain('no chat template');
  });
});
