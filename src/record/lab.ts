/** The workspace: where runs, seals and reports live. */
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export interface Lab {
  /** Absolute. */
  readonly root: string;
  readonly runsDir: string;
  readonly sealsDir: string;
  readonly reportsDir: string;
}

/** The nearest parent of `cwd` (itself included) that has a directory `runs/`, else `cwd`. */
export function findLab(cwd: string): Lab {
  const start = resolve(cwd);
  for (let at = start; ; at = dirname(at)) {
    if (isDirectory(join(at, 'runs'))) return labAt(at);
    if (dirname(at) === at) return labAt(start);
  }
}

/** The lab whose root is `root`, whether or not it has runs yet. */
export function labAt(root: string): Lab {
  const absolute = resolve(root);
  return {
    root: absolute,
    runsDir: join(absolute, 'runs'),
    sealsDir: join(absolute, 'seals'),
    reportsDir: join(absolute, 'reports'),
  };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
