/** `assay explain NUMBER|RUN:METRIC` */
import type { Printed } from '../../evidence/citations.ts';
import { type DerivedExplanation, type Explanation, explain } from '../../evidence/explain.ts';
import { findLab } from '../../record/lab.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

/** A short number fits much; --json has all of it. */
const SHOWN = 10;

export async function run(
  options: { wanted: string; json?: boolean },
  io: CommandIo,
): Promise<number> {
  const found = await explain(findLab(io.cwd), options.wanted);
  if (options.json) {
    writeJson(io.stdout, found);
    return 0;
  }
  const all = [...found.metrics.map(describe), ...found.derived.map(describeDerived)];
  for (const text of all.slice(0, SHOWN)) writeLine(io.stdout, text);
  const more = all.length - SHOWN;
  if (more > 0) writeLine(io.stdout, `and ${more} more: --json has all, RUN:METRIC only one`);
  return 0;
}

/** Five places, and any that does not stand. */
function places(printed: readonly Printed[]): string[] {
  const fallen = printed.filter(({ stands }) => !stands);
  const standing = printed.filter(({ stands }) => stands).slice(0, 5);
  return [...fallen, ...standing].map(({ place, text, stands }) => {
    const note = stands ? '' : ' does not stand: `assay verify` says why';
    return `  printed   ${place} (${text})${note}`;
  });
}

function describeDerived({ text, origin, footings, printed }: DerivedExplanation): string {
  // Both runs of a comparison have one formula: it is told under the last.
  const files = footings.flatMap(({ file, rows, by }, i) => [
    `  file      ${file}`,
    ...(rows
      ? [`  rows      ${rows.count} of kind ${rows.kind}, between lines ${rows.lines}`]
      : []),
    ...(by === footings[i + 1]?.by ? [] : [`  ${rows ? 'formula' : 'field  '}   ${by}`]),
  ]);
  return `${[`${text} = ${origin}`, ...files, ...places(printed)].join('\n')}\n`;
}

function describe(e: Explanation): string {
  const { record } = e;
  const params = Object.entries(record.params).map(([name, value]) => `${name}=${value}`);
  const interval = record.ci95
    ? `[${record.ci95[0]}, ${record.ci95[1]}]`
    : `none: ${record.reason}`;
  const lines = [
    `${e.metric}.${e.field} = ${e.value} ${record.unit}`,
    `  run       runs/${e.run}`,
    `  file      ${e.file}`,
    `  rows      ${e.rows.count} of kind ${e.rows.kind}, between lines ${e.rows.lines}`,
    `  formula   ${record.formula}${params.length > 0 ? ` (${params.join(', ')})` : ''}`,
    `            ${e.formula}`,
    `  n         ${record.n}, resampled over ${record.units} ${record.unitOf}`,
    `  interval  ${interval}`,
    ...(record.simulated ? [`  note      ${record.simulated}`] : []),
    ...(e.stands ? [] : ['  note      its rows do not give it: `assay verify` says why']),
    ...places(e.printed),
  ];
  return `${lines.join('\n')}\n`;
}
