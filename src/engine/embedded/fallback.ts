/** Which nodes of a graph the runtime gave to the CPU, read from its own profile of one call. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../record/errors.ts';
import type { FallbackNode } from '../../record/schema.ts';
import { forward } from './forward.ts';
import type { Session } from './runtime.ts';
import { type LoadedModel, runBest, runLogits, runScores } from './score.ts';

/** Where the profiles of a model's two sessions are written until they have been read. */
export interface ProfileFolder {
  prefix(graph: string): string;
  remove(): void;
  readonly path: string;
}

export function profileFolder(): ProfileFolder {
  const path = mkdtempSync(join(tmpdir(), 'assay-profile-'));
  return {
    path,
    prefix: (graph) => join(path, graph),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/**
 * Runs the graphs once on two tokens, checks that something came out, ends their profiling and
 * lists the nodes that ran on the CPU. Placement is decided when a session is made, so that one
 * call tells it for all.
 */
export async function listFallback(
  model: LoadedModel,
  folder: ProfileFolder,
): Promise<FallbackNode[]> {
  const { gpu, arch } = model;
  const hidden = await forward(model, { rows: [[0, 0]], lengths: [2], cache: null });
  const sessions: [string, Session][] = [
    ['body', model.body],
    ['head', model.head],
  ];
  if (gpu !== null && arch.labels === null) {
    await runScores(model, hidden.feeds([1]), BigInt64Array.of(0n));
    await runBest(model, hidden.feeds([1]), 1);
    sessions.push(['scores', gpu.scores], ['best', gpu.best]);
  }
  checkProbe(await runLogits(model, hidden.feeds([1]), 1));
  for (const [, session] of sessions) session.endProfiling();
  return sessions.flatMap(([graph]) => {
    const files = readdirSync(folder.path).filter((file) => file.startsWith(graph));
    return files.flatMap((file) =>
      parseProfile(graph, readFileSync(join(folder.path, file), 'utf8')),
    );
  });
}

/**
 * Where a GPU's memory is full, the runtime logs that and goes on with buffers that hold nothing.
 * @throws EngineError where two tokens give no logits, or all the same
 */
export function checkProbe(logits: Float32Array): void {
  const finite = logits.every(Number.isFinite);
  if (finite && (logits.length === 1 || logits.some((value) => value !== logits[0]))) return;
  const what = finite ? 'the same value for every token' : 'values that are not finite';
  throw new EngineError(
    `the GPU gave ${what}: its memory is full, or f16 is too narrow for the model`,
    {
      hint: 'See `nvidia-smi` or its like for free memory; try --scheme f32 or a smaller model.',
      details: { device: 'webgpu' },
    },
  );
}

interface ProfileEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

/** Nodes of a Chrome-trace profile that ran on the CPU provider, each once, in order. */
export function parseProfile(graph: string, text: string): FallbackNode[] {
  const found = new Map<string, FallbackNode>();
  for (const { cat, name = '', args } of JSON.parse(text) as ProfileEvent[]) {
    if (cat !== 'Node' || args?.provider !== 'CPUExecutionProvider') continue;
    const node = name.replace(/_kernel_time$/, '');
    found.set(node, { graph, node, op: args.op_name ?? 'unknown' });
  }
  return [...found.values()];
}
