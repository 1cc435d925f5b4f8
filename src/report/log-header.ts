/** What a log says before its results: who, when, on what machine, with which software. */
import type { ResolvableRun } from '../analyze/reference.ts';
import { citeManifest } from './cite.ts';
import type { ExperimentReport } from './collect.ts';
import type { DocumentBuilder } from './document.ts';

function runsOf(report: ExperimentReport): ResolvableRun[] {
  return report.cells.flatMap((cell) => (cell.run ? [cell.run] : []));
}

export function overview(doc: DocumentBuilder, report: ExperimentReport): void {
  const { config } = report;
  const starts = runsOf(report)
    .map((run) => run.manifest.startedAt)
    .sort();
  const models = new Map(
    runsOf(report).flatMap((run) =>
      run.manifest.model ? [[run.manifest.variant.model, run] as const] : [],
    ),
  );
  doc.heading(2, 'Experiment Overview');
  doc.line`- **Date Started:** ${starts[0] ?? 'not yet'}`;
  doc.line`- **Last Run:** ${starts.at(-1) ?? 'not yet'}`;
  if (config.researcher) doc.add(`- **Researcher:** ${config.researcher}`);
  if (config.objective) doc.add(`- **Objective:** ${config.objective}`);
  doc.line`- **Baseline:** ${config.baseline}`;
  for (const [name, run] of models) {
    const model = run.manifest.model as NonNullable<typeof run.manifest.model>;
    const parameters = citeManifest(
      run,
      'model.parameters',
      { style: 'integer' },
      model.parameters,
    );
    const dummy = model.dummyWeights ? ', **dummy weights**' : '';
    const revision = model.revision ? `, revision \`${model.revision}\`` : '';
    const stored = `stored as ${model.storedDtype}${revision}${dummy}`;
    doc.line`- **Model:** ${name} (${model.architecture}, ${parameters} parameters, ${stored})`;
  }
}

export function hardware(doc: DocumentBuilder, report: ExperimentReport): void {
  doc.heading(2, 'Hardware Configuration');
  const [run, ...others] = runsOf(report);
  if (!run) {
    doc.line`Nothing ran yet.`;
    return;
  }
  const { cpu, memoryBytes, gpus, arch } = run.manifest.environment;
  const integer = { style: 'integer' } as const;
  const cores = citeManifest(run, 'environment.cpu.logicalCores', integer, cpu.logicalCores);
  const gib = { style: 'bytes-gib', digits: 1 } as const;
  doc.add(`- **CPU:** ${cpu.model} (${arch})`);
  doc.line`- **Logical cores:** ${cores}`;
  doc.line`- **Memory:** ${citeManifest(run, 'environment.memoryBytes', gib, memoryBytes)} GiB`;
  for (const gpu of gpus) doc.add(`- **GPU:** ${gpu.name}, driver ${gpu.driver ?? 'unknown'}`);
  if (gpus.length === 0) doc.line`- **GPU:** none seen`;
  const hosts = new Set([run, ...others].map((each) => each.manifest.environment.hostname));
  if (hosts.size > 1) {
    const many = String(hosts.size);
    doc.line`- **Warning:** the runs come from ${many} machines: their speeds do not compare.`;
  }
}

export function software(doc: DocumentBuilder, report: ExperimentReport): void {
  const [run] = runsOf(report);
  if (!run) return;
  const { os, node, assay } = run.manifest.environment;
  const { engine, git } = run.manifest;
  doc.heading(2, 'Software');
  doc.add(`- **OS:** ${os.distribution ?? os.platform} (${os.platform} ${os.release})`);
  doc.add(`- **Node.js:** ${node}`);
  doc.add(`- **Assay:** ${assay}`);
  if (engine) doc.add(`- **Engine:** ${engine.name} ${engine.version} on ${engine.device}`);
  if (engine) {
    const integer = { style: 'integer' } as const;
    doc.line`- **Threads:** ${citeManifest(run, 'engine.threads', integer, engine.threads)}`;
  }
  if (git) doc.add(`- **Git:** \`${git.sha}\`${git.dirty ? ' with uncommitted changes' : ''}`);
}
