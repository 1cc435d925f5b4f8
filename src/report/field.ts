/** The field that best, balance and front are about: cells whose speeds may be ranked together. */
import { otherField } from '../analyze/run-facts.ts';
import type { CellReport } from './collect.ts';
import { batchSizeOf, isMeasured, type MeasuredCell } from './collect-speed.ts';

/** A cell with finite figures that are its own. */
export interface Ranked {
  /** Its run. */
  readonly id: string;
  readonly scheme: string;
  readonly batchSize: number;
  readonly cell: MeasuredCell;
  readonly p95Ms: number;
  /** Samples a second. */
  readonly throughput: number;
  readonly memoryBytes: number | null;
}

export interface Unranked {
  readonly cell: CellReport;
  readonly reason: string;
}

/** Above this share of failed iterations P95 would be one of them: it has no finite value. */
const MOST_FAILED = 0.05;

/** `cells` of one model. The baseline's machine and settings are the field's, else the first's. */
export function rankedField(
  cells: readonly CellReport[],
  baseline: string,
): { field: Ranked[]; unranked: Unranked[] } {
  const benchmarks = cells.filter((cell) => batchSizeOf(cell) !== null);
  const field: Ranked[] = [];
  const unranked: Unranked[] = [];
  const real = benchmarks.filter((cell) => typeof figuresOf(cell) !== 'string');
  const host = (real.find(({ scheme }) => scheme === baseline) ?? real[0])?.run?.manifest;
  for (const cell of benchmarks) {
    const found = figuresOf(cell);
    const manifest = cell.run?.manifest;
    const other = host && manifest ? otherField({ variant: manifest, baseline: host }) : null;
    if (typeof found === 'string') unranked.push({ cell, reason: found });
    else if (other !== null) unranked.push({ cell, reason: other });
    else field.push(found);
  }
  return { field, unranked };
}

function figuresOf(cell: CellReport): Ranked | string {
  if (!isMeasured(cell)) return cell.run?.manifest.reason?.split('\n')[0] ?? cell.status;
  const { manifest, summary } = cell.run;
  const simulated = manifest.engine?.simulated;
  if (simulated) return `its speed is simulated here (${simulated})`;
  const value = (name: string): number | null => summary?.metrics[name]?.value ?? null;
  const [p95Ms, throughput] = [value('latencyP95'), value('samplesPerSecond')];
  const why = summary?.metrics.latencyP95?.reason;
  if (p95Ms === null || throughput === null) return why ?? 'it has no latency';
  const [failed, measured] = [value('failures') ?? 0, value('iterations') ?? 0];
  if (failed > MOST_FAILED * (failed + measured)) {
    return `${failed} of ${failed + measured} iterations failed: P95 is that of the others`;
  }
  const { runId: id } = manifest;
  const batchSize = batchSizeOf(cell) as number;
  const memoryBytes = value('peakMemoryBytes');
  return { id, scheme: cell.scheme, batchSize, cell, p95Ms, throughput, memoryBytes };
}
