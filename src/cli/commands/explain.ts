/** `assay explain NUMBER|RUN:METRIC` */
import { type DerivedExplanation, type Explanation, explain } from '../../evidence/explain.ts';
import { findLab } from '../../record/lab.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

export async function run(
  options: { wanted: string; json?: boolean },
  io: CommandIo,
): Promise<number> {
  const found = explain(findLab(io.cwd), options.wanted);
  if (options.json) {
    writeJson(io.stdout, found);
    return 0;
  }
  for (const metric of found.metrics) writeLine(io.stdout, describe(metric));
  for (const derived of found.derived) writeLine(io.stdout, describeDerived(derived));
  return 0;
}

function describeDerived({ text, origin, stands, printed }: DerivedExplanation): string {
  // Both runs of a comparison have one formula: it is told under the last.
  const files = stands.flatMap(({ file, rows, by }, i) => [
    `  file      ${file}`,
    ...(rows
      ? [`  rows      ${rows.count} of kind ${rows.kind}, between lines ${rows.lines}`]
      : []),
    ...(by === stands[i + 1]?.by ? [] : [`  ${rows ? 'formula' : 'field  '}   ${by}`]),
  ]);
  const lines = [
    `${text} = ${origin}`,
    ...files,
    ...printed.slice(0, 5).map((place) => `  printed   ${place}`),
  ];
  return `${lines.join('\n')}\n`;
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
    ...e.printed.slice(0, 5).map((place) => `  printed   ${place}`),
  ];
  return `${lines.join('\n')}\n`;
}
