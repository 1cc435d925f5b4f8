/** `assay runs show RUN` */
import { findLab } from '../../record/lab.ts';
import { loadRun } from '../../record/run-reader.ts';
import { citeWithInterval } from '../../report/cite.ts';
import { plainText } from '../../report/plain.ts';
import { textTable } from '../../report/table.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { resolvable } from '../runs.ts';

export async function run(
  options: { run: string; json?: boolean },
  io: CommandIo,
): Promise<number> {
  const lab = findLab(io.cwd);
  const loaded = loadRun(lab, options.run);
  const { manifest, summary, entry } = loaded;
  if (options.json) {
    writeJson(io.stdout, { manifest, summary });
    return 0;
  }
  const alive = entry.kind === 'unfinished' && entry.alive;
  const status = entry.kind === 'closed' ? manifest.status : alive ? 'running' : 'unfinished';
  const { engine, model, environment } = manifest;
  const facts: [string, string][] = [
    ['run', `runs/${manifest.runId}`],
    ['status', manifest.reason ? `${status}: ${manifest.reason}` : status],
    ['measure', `${manifest.measure} of ${manifest.variant.model} at ${manifest.variant.scheme}`],
    ['started', manifest.startedAt],
    ['took', manifest.elapsedMs === null ? '—' : `${(manifest.elapsedMs / 1_000).toFixed(2)} s`],
    ['command', manifest.argv.join(' ')],
    [
      'model',
      model ? `${model.architecture}, ${model.parameters} parameters, ${model.storedDtype}` : '—',
    ],
    [
      'engine',
      engine
        ? `${engine.name} ${engine.version}, ${engine.precision}, ${engine.threads} threads`
        : '—',
    ],
    [
      'machine',
      `${environment.hostname}, ${environment.cpu.model}, ${environment.cpu.logicalCores} cores`,
    ],
    ['digest', manifest.digest ?? 'none: not closed'],
  ];
  if (manifest.resumedFrom) {
    const { runId, rows } = manifest.resumedFrom;
    facts.push(['resumed', `${rows} rows of runs/${runId}`]);
  }
  for (const [name, value] of facts) writeLine(io.stdout, `${name.padEnd(9)}${value}`);
  if (summary) {
    const found = resolvable(lab, manifest.runId);
    const rows = Object.entries(summary.metrics).map(([name, metric]) => [
      name,
      plainText(citeWithInterval(found, name)),
      metric.unit,
      String(metric.n),
      `${metric.units} ${metric.unitOf}`,
      metric.formula,
      metric.simulated ? '†' : '',
    ]);
    const titles = ['Metric', 'Value [95 %]', 'Unit', 'n', 'Units', 'Formula', ''];
    writeLine(io.stdout);
    writeLine(
      io.stdout,
      textTable(
        titles.map((title) => ({ title })),
        rows,
      ),
    );
  }
  if (manifest.findings.length > 0) writeLine(io.stdout);
  for (const finding of manifest.findings) {
    writeLine(io.stdout, `${finding.severity}: ${finding.message}`);
  }
  return 0;
}
