/** What must stand beside a figure that is not what it seems. */
import type { Manifest } from '../record/schema.ts';
import type { CellReport } from './collect.ts';

/** Marks a figure that is not that of real hardware support for the scheme. */
export const SIMULATED_MARK = '†';
export const DUMMY_WORDS = 'dummy weights';

export function isDummy(cell: CellReport): boolean {
  return isDummyRun(cell.run);
}

export function isDummyRun(run: { readonly manifest: Manifest } | null | undefined): boolean {
  return run?.manifest.model?.dummyWeights ?? false;
}

/** The model as tables and sentences call it. */
export function modelWords(model: string, cells: readonly CellReport[]): string {
  const dummy = cells.some((cell) => cell.model === model && isDummy(cell));
  // What tells models apart for a reader: `llama-136m` of `dummy:models/llama-136m/config.json`.
  const plain = model.replace(/^(builtin|dummy):/, '').replace(/\/config\.json$/, '');
  const name = plain.startsWith('models/') ? plain.slice('models/'.length) : plain;
  return dummy ? `${name} (${DUMMY_WORDS})` : name;
}

/** Behind the value of a metric: its own note, shortened. */
export function markOf(simulated: string | undefined): string {
  if (simulated === undefined) return '';
  const parts = [
    simulated.includes('simulated') ? SIMULATED_MARK : '',
    simulated.includes(DUMMY_WORDS) ? `(${DUMMY_WORDS})` : '',
  ];
  return parts
    .filter((part) => part !== '')
    .map((part) => ` ${part}`)
    .join('');
}
