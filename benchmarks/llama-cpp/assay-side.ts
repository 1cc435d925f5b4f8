/** Assay's engine as a side. Arguments: config.json, scheme, threads. */
import { performance } from 'node:perf_hooks';
import { openDummy } from '../dummy-model.ts';
import { type GenerateCommand, type Generated, type Scored, serveSide } from './side.ts';

const [path, scheme, threads] = process.argv.slice(2) as [string, string, string];
const engine = await openDummy({ path, scheme, threads: Number(threads) });
const { signal } = new AbortController();

async function generate({ prompts, newTokens }: GenerateCommand): Promise<Generated> {
  const start = performance.now();
  let waiting = prompts.length;
  let prefillMs = 0;
  const batch = prompts.map((ids) => ({ ids, maxNewTokens: newTokens, stopIds: [] }));
  const results = await engine.generate(
    batch,
    ({ index }) => {
      if (index === 0 && --waiting === 0) prefillMs = performance.now() - start;
    },
    signal,
  );
  return { ids: results.map(({ ids }) => ids), prefillMs, endMs: performance.now() - start };
}

serveSide({
  about: () => `${engine.info.version}, ${engine.info.precision}`,
  generate,
  async score({ ids, scoreFrom }): Promise<Scored> {
    const [scored] = await engine.score([{ ids, scoreFrom }], signal);
    const best = Array.from(scored!.hit, (hit, i) => (hit ? ids[scoreFrom + i]! : -1));
    return { logp: [...scored!.logp], best };
  },
});
