/** `assay exec -- COMMAND…`: exits as the command did. */
import { relative } from 'node:path';
import { type RecordedCommand, recordCommand } from '../../exec/record-command.ts';
import { captureEnvironment } from '../../record/environment.ts';
import { UsageError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { packageRoot } from '../package.ts';

interface Options {
  command: string[];
  name?: string;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const lab = findLab(io.cwd);
  const environment = await captureEnvironment({ packageRoot: packageRoot(), env: io.env });
  const recorded = await recordCommand({
    lab,
    command: options.command,
    name: options.name,
    cwd: io.cwd,
    env: io.env,
    argv: io.argv,
    environment,
    // With --json, stdout is for the record alone.
    live: { stdout: options.json ? io.stderr : io.stdout, stderr: io.stderr },
    onSignal: (handler) => io.takeSignals?.(handler),
  });
  const { end, manifest } = recorded;
  if (options.json) writeJson(io.stdout, asJson(recorded));
  else print(recorded, io, relative(io.cwd, recorded.dir));
  if (end.notStarted) {
    throw new UsageError(`${options.command[0]} ${manifest.reason}`, {
      hint: 'check its name and that it may be executed; put it behind `--`',
    });
  }
  return recorded.status;
}

function asJson({ manifest, metrics, logs, status }: RecordedCommand): unknown {
  const { runId, reason, findings } = manifest;
  return {
    runId,
    status: manifest.status,
    reason,
    exitStatus: status,
    metrics,
    findings,
    logs: logs.files,
  };
}

function print({ manifest, metrics, logs }: RecordedCommand, io: CommandIo, dir: string): void {
  const { durationSeconds, cpuSeconds, peakMemoryBytes } = metrics;
  const seconds = (value: number | null | undefined): string =>
    value == null ? '—' : `${value.toFixed(2)} s`;
  const bytes = peakMemoryBytes?.value;
  const memory = bytes == null ? '—' : `at least ${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const why = manifest.reason === null ? '' : `: ${manifest.reason}`;
  writeLine(io.stderr, '');
  writeLine(
    io.stderr,
    `${manifest.status}${why}; took ${seconds(durationSeconds?.value)}, ` +
      `CPU ${seconds(cpuSeconds?.value)}, peak memory ${memory}`,
  );
  const programs = new Set(logs.files.flatMap(({ dialects }) => dialects));
  programs.delete('assay');
  programs.delete('plain');
  if (programs.size > 0) writeLine(io.stderr, `its output speaks: ${[...programs].join(', ')}`);
  for (const { severity, message } of manifest.findings) {
    writeLine(io.stderr, `${severity}: ${message}`);
  }
  writeLine(io.stderr, `recorded: ${dir}`);
}
