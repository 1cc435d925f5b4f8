/** Reads architecture/layers.json: who may import whom, as data. */
import { readFileSync } from 'node:fs';

export interface Layer {
  readonly name: string;
  /** Below the root: a folder with a closing slash, or one file. */
  readonly path: string;
  readonly why: string;
  /** Names of the layers that it may import; itself always. */
  readonly imports: readonly string[];
  /** npm packages that it may import. */
  readonly packages: readonly string[];
  /** May it import `node:` built-ins? */
  readonly node: boolean;
}

export interface Architecture {
  readonly root: string;
  readonly tests: { readonly suffix: string; readonly packages: readonly string[] };
  readonly layers: readonly Layer[];
}

/** Throws when the rules contradict themselves: a wrong rule would guard nothing. */
export function readArchitecture(path: string): Architecture {
  const architecture = JSON.parse(readFileSync(path, 'utf8')) as Architecture;
  const seen = new Set<string>();
  for (const layer of architecture.layers) {
    if (seen.has(layer.name)) throw new Error(`${path}: layer "${layer.name}" is listed twice`);
    seen.add(layer.name);
    for (const name of layer.imports) {
      if (!architecture.layers.some((other) => other.name === name)) {
        throw new Error(`${path}: "${layer.name}" may import "${name}", which is no layer`);
      }
    }
  }
  refuseCycles(path, architecture.layers);
  return architecture;
}

/** Takes away layers that import only what is already away; what cannot be taken is a cycle. */
function refuseCycles(path: string, layers: readonly Layer[]): void {
  let left = [...layers];
  for (;;) {
    const next = left.filter((layer) => layer.imports.some((n) => left.some((l) => l.name === n)));
    if (next.length === 0) return;
    if (next.length === left.length) {
      throw new Error(`${path}: imports run in a circle: ${left.map((l) => l.name).join(', ')}`);
    }
    left = next;
  }
}

/** The layer of a file below the root, e.g. `record/errors.ts`; null when it has none. */
export function layerOf(architecture: Architecture, below: string): Layer | null {
  const owns = (layer: Layer) =>
    layer.path.endsWith('/') ? below.startsWith(layer.path) : below === layer.path;
  return architecture.layers.find(owns) ?? null;
}
