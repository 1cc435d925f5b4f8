/** A folder to run the command in: a model, a corpus, and a temporary folder to be kept clean. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lab, labAt } from '../../src/record/lab.ts';
import {
  assay,
  type CommandOptions,
  type CommandResult,
  type RunningCommand,
  startAssay,
} from './command.ts';
import { type SmallCheckpointOptions, writeSmallCheckpoint } from './small-checkpoint.ts';
import { writeCorpus } from './texts.ts';

interface More extends Omit<CommandOptions, 'cwd'> {
  /** A folder of the lab to start in. */
  readonly below?: string;
}

export interface BenchLab {
  readonly lab: Lab;
  readonly root: string;
  /** TMPDIR of the commands. */
  readonly temporary: string;
  assay(args: readonly string[], more?: More): Promise<CommandResult>;
  start(args: readonly string[], more?: More): RunningCommand;
  write(name: string, text: string | Uint8Array): string;
  read(name: string): string;
  /** What commands left in their temporary folder. */
  leftovers(): string[];
  remove(): void;
}

/** `root` given: an existing directory (a small disk, say), which `remove` leaves alone. */
export function benchLab(
  options: { model?: SmallCheckpointOptions; root?: string } = {},
): BenchLab {
  const home = mkdtempSync(join(tmpdir(), 'assay-test-'));
  const root = options.root ?? join(home, 'lab');
  const temporary = join(home, 'tmp');
  mkdirSync(root, { recursive: true });
  mkdirSync(temporary);
  writeSmallCheckpoint(join(root, 'model'), options.model);
  writeCorpus(join(root, 'corpus.jsonl'), [700, 500, 900, 300, 650]);
  const settings = (more: More = {}): CommandOptions => ({
    ...more,
    cwd: join(root, more.below ?? '.'),
    env: { TMPDIR: temporary, ...more.env },
  });
  return {
    lab: labAt(root),
    root,
    temporary,
    assay: (args, more) => assay(args, settings(more)),
    start: (args, more) => startAssay(args, settings(more)),
    write(name, text) {
      const path = join(root, name);
      writeFileSync(path, text);
      return path;
    },
    read: (name) => readFileSync(join(root, name), 'utf8'),
    leftovers: () => readdirSync(temporary),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
