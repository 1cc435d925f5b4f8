/** One picture of everything about the speed and size of a model. */
import type { MeasuredCell, SpeedComparison } from '../collect-speed.ts';
import {
  type BenchData,
  plotted,
  type Row,
  rowOf,
  speedNotes,
  variantLabel,
} from './bench-data.ts';
import { type Chart, chart, type Spec } from './chart.ts';
import { memoryBars, reductionBars } from './memory.ts';
import { groupedBars } from './speed.ts';
import { speedupBars } from './speedup.ts';
import { colorScale } from './theme.ts';

const WIDTH = 380;

/** A panel shares nothing with its neighbours. */
const OWN = {
  scale: { color: 'independent', xOffset: 'independent', opacity: 'independent' },
  legend: { color: 'independent' },
} as const;

export interface DashboardData {
  readonly bench: BenchData;
  /** One a variant. */
  readonly memory: readonly MeasuredCell[];
  readonly baseline: MeasuredCell | undefined;
  readonly speedups: readonly SpeedComparison[];
}

export function dashboardChart(data: DashboardData, suffix: string): Chart {
  const { bench, memory, baseline, speedups } = data;
  const gpu = bench.cells.some((cell) => cell.run.summary?.metrics.gpuUtilization?.value != null);
  const [metric, axis] = gpu
    ? ['gpuUtilization', 'GPU utilization (%)']
    : ['cpuUtilization', 'Busy cores'];
  const panels: (Spec | null)[] = [
    panel(
      'Speed',
      groupedBars(bench, {
        ...{ metric: 'decodeTokensPerSecond', axis: 'Generated tokens/s' },
        ...{ width: WIDTH, height: 220 },
      }),
    ),
    panel('Memory', memoryBars(memory, WIDTH)),
    speedups.length > 0 ? panel('Speedup', speedupBars(speedups, WIDTH - 90)) : null,
    panel('Utilization', groupedBars(bench, { metric, axis, width: WIDTH, height: 220 })),
    baseline && memory.length > 1
      ? panel('Memory saved', reductionBars(memory, baseline, WIDTH))
      : null,
    panel('Size against speed', sizeAgainstSpeed(bench)),
  ];
  const shown = panels.filter((each) => each !== null);
  return chart(
    {
      name: `dashboard${suffix}`,
      title: `Speed and memory of ${bench.words}`,
      alt: 'Six panels: speed, memory, speedup, utilization, memory saved, and size against speed',
      notes: speedNotes(bench),
    },
    { concat: shown, columns: 2, spacing: 44, resolve: OWN },
  );
}

function panel(title: string, view: Spec): Spec {
  return { title: { text: title, fontSize: 12 }, ...view };
}

/** The smallest batch size: one reader, one text. */
function sizeAgainstSpeed(bench: BenchData): Spec {
  const cells = bench.cells.filter((cell) => rowOf(cell).batch === bench.sizes[0]);
  const variants = cells.map(variantLabel);
  const values = cells.map((cell): Row => {
    return {
      ...rowOf(cell),
      stored: plotted(cell, 'storedWeightBytes'),
      speed: plotted(cell, 'decodeTokensPerSecond'),
    };
  });
  return {
    width: WIDTH,
    height: 200,
    data: { values },
    mark: { type: 'point', filled: true, size: 110 },
    encoding: {
      x: { field: 'stored', type: 'quantitative', title: 'Stored weights (MiB)' },
      y: {
        field: 'speed',
        type: 'quantitative',
        title: `Tokens/s at batch size ${bench.sizes[0]}`,
      },
      color: {
        field: 'variant',
        type: 'nominal',
        title: null,
        sort: variants,
        scale: colorScale(variants),
      },
      opacity: { condition: { test: 'datum.simulated', value: 0.4 }, value: 1 },
    },
  };
}
