/**
 * Benchmarks all cells together: every variant stays loaded in a worker of its own, one of them
 * computes at a time, and each round goes through all variants and batch sizes in a new order.
 */
import { performance } from 'node:perf_hooks';
import { availableMemory } from '../engine/embedded/available-memory.ts';
import { startGpuSampler } from '../measure/bench/gpu-sampler.ts';
import { whyCancelled } from '../record/errors.ts';
import type { SampleRow } from '../record/rows.ts';
import type { RunEntry } from '../record/run-reader.ts';
import { OpenBenchCell } from './bench-cell.ts';
import { orderOfRound } from './bench-order.ts';
import { bestResumableRounds } from './bench-resume.ts';
import { BenchVariant } from './bench-variant.ts';
import type { BenchCell } from './cell.ts';
import { measureColdStarts } from './cold-starts.ts';
import { openRun } from './open-run.ts';
import { interrupted } from './past-runs.ts';
import type { ExperimentPlan } from './plan.ts';
import type { CellOutcome, SuperviseState } from './supervise-context.ts';
import type { WorkerEnd } from './worker-process.ts';

export interface MissingCell {
  readonly cell: BenchCell;
  /** Earlier runs of it. */
  readonly past: readonly RunEntry[];
}

/** Every cell ends as a closed run, whatever happens to the others. */
export async function runBench(
  plan: ExperimentPlan,
  missing: readonly MissingCell[],
  state: SuperviseState,
): Promise<CellOutcome[]> {
  const cells = missing.map(({ cell, past }) => openCell(plan, { cell, past }, state));
  const variants = byVariant(cells).map((own) => new BenchVariant(own, state));
  announce(cells, variants, state);
  try {
    await measureColdStarts(variants, state);
    await runGroups(variants, { state, seed: plan.spec.seed });
    for (const variant of variants) await variant.closeAll(cancelled(state));
  } finally {
    // Also when a disk is full: no process may outlive its supervisor's interest in it.
    await Promise.all(variants.map((variant) => variant.stop()));
  }
  return cells.flatMap(({ outcome }) => outcome ?? []);
}

function cancelled({ signal }: SuperviseState): WorkerEnd {
  return { status: 'cancelled', reason: whyCancelled(signal), error: null };
}

function openCell(
  plan: ExperimentPlan,
  { cell, past }: MissingCell,
  state: SuperviseState,
): OpenBenchCell {
  const resume = state.resume ?? true;
  const resumable = resume ? bestResumableRounds(past.flatMap(interrupted)) : null;
  const run = openRun(plan, cell, { ...state, resumable });
  return new OpenBenchCell({ cell, run, done: resumable?.rounds ?? [] });
}

function byVariant(cells: readonly OpenBenchCell[]): OpenBenchCell[][] {
  const groups = new Map<string, OpenBenchCell[]>();
  for (const open of cells) {
    const key = `${open.cell.modelIndex} ${open.cell.engine.scheme}`;
    groups.set(key, [...(groups.get(key) ?? []), open]);
  }
  return [...groups.values()];
}

function announce(
  cells: readonly OpenBenchCell[],
  variants: readonly BenchVariant[],
  { onEvent }: SuperviseState,
): void {
  const rounds = roundsOf(cells);
  const left = cells.reduce((total, { missing }) => total + missing.size, 0);
  const all = cells.reduce((total, { cell }) => total + cell.measure.rounds, 0);
  const counts = { cells: cells.length, variants: variants.length, rounds };
  onEvent({ type: 'bench-start', ...counts, resumed: all - left });
}

function roundsOf(cells: readonly OpenBenchCell[]): number {
  return Math.max(0, ...cells.map(({ cell }) => cell.measure.rounds));
}

/** As many variants at a time as fit into memory together; mostly that is all of them. */
async function runGroups(
  variants: readonly BenchVariant[],
  context: { state: SuperviseState; seed: number },
): Promise<void> {
  const { signal } = context.state;
  let waiting = variants.filter((variant) => variant.open.length > 0);
  let split = false;
  const { bytes } = availableMemory();
  const startedMs = performance.now();
  while (waiting.length > 0 && !signal.aborted) {
    const group: BenchVariant[] = [];
    for (const variant of waiting) {
      const [first] = variant.open;
      if (signal.aborted || !first) continue;
      context.state.onEvent({ type: 'variant-load', cell: first.cell });
      if (!(await variant.load({ alone: group.length === 0, bytes }))) break;
      if (variant.open.length > 0) group.push(variant);
    }
    waiting = waiting.filter((variant) => !group.includes(variant) && variant.open.length > 0);
    split ||= waiting.length > 0;
    if (split) tellGroup(group, { of: variants.length });
    await runRounds(group, { ...context, startedMs });
    for (const variant of group) await variant.finish();
    if (signal.aborted) return;
    for (const variant of group) await variant.succeedAll();
  }
}

/** Variants that were never loaded together did not share what the machine did. */
function tellGroup(group: readonly BenchVariant[], { of }: { of: number }): void {
  const names = group.map(({ name }) => name.replaceAll('~', ' ')).join(', ');
  const message =
    `the ${of} variants do not fit into memory together: measured in groups, this one beside ` +
    `${group.length === 1 ? 'no other' : names}; what the machine did in other groups differs`;
  const evidence = { group: group.map(({ name }) => name), variants: of };
  for (const variant of group) {
    for (const open of variant.open) {
      open.add({ code: 'measured-in-groups', severity: 'warning', message, evidence });
    }
  }
}

interface Slot {
  readonly variant: number;
  readonly batchSize: number;
  readonly open: OpenBenchCell;
}

async function runRounds(
  group: readonly BenchVariant[],
  context: { state: SuperviseState; seed: number; startedMs: number },
): Promise<void> {
  const { state, seed, startedMs } = context;
  const slots = group.flatMap((each, variant) =>
    each.open.map((open): Slot => {
      return { variant, batchSize: open.cell.measure.batch_size, open };
    }),
  );
  const rounds = roundsOf(slots.map(({ open }) => open));
  const of = slots.reduce((total, { open }) => total + open.missing.size, 0);
  let slices = 0;
  let active: OpenBenchCell | null = null;
  const nowMs = (): number => performance.now() - startedMs;
  const sampler = startGpuSampler({
    env: state.env,
    nowMs,
    onReading(reading) {
      const row: SampleRow = { kind: 'gpu', ...reading };
      if (active?.isOpen) active.appendGpu(row);
    },
  });
  try {
    for (let round = 0; round < rounds; round++) {
      const due = slots.filter(({ open }) => open.isOpen && open.missing.has(round));
      if (due.length === 0) continue;
      state.onEvent({ type: 'bench-round', round, of: rounds });
      for (const { variant, open } of orderOfRound(due, { round, seed })) {
        if (state.signal.aborted) return;
        active = open;
        await (group[variant] as BenchVariant).slice(open, { round, startedMs: nowMs() });
        active = null;
        slices++;
        state.onEvent({ type: 'bench-progress', slices, of });
      }
    }
  } finally {
    await sampler.stop();
  }
}
