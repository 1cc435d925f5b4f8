/** Manifests of two cells of one benchmark, as far as a comparison of speeds looks at them. */
import type { Manifest } from '../../src/record/schema.ts';
import { runFields } from '../record/recorded-run.ts';
import { engineOf } from './measured-lab.ts';

export function benchManifest(scheme: string, changes: Partial<Manifest> = {}): Manifest {
  const { environment } = runFields();
  return {
    ...({} as Manifest),
    runId: `bench/${scheme}/1`,
    variant: { model: 'builtin:made-up', scheme },
    config: { measure: { kind: 'bench', batch_size: 4 } },
    seeds: { bootstrap: 1 },
    environment,
    engine: engineOf(scheme),
    startedAt: '2026-11-20T05:34:00.000Z',
    endedAt: '2026-11-20T05:44:00.000Z',
    findings: [],
    ...changes,
  };
}

export function benchManifests(
  changes: { variant?: Partial<Manifest>; baseline?: Partial<Manifest> } = {},
): { variant: Manifest; baseline: Manifest } {
  return {
    variant: benchManifest('int8-g128', changes.variant),
    baseline: benchManifest('f32', changes.baseline),
  };
}
