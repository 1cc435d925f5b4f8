/** The command line in this process: what it prints, and its exit code. */
import { runCommandLine } from '../../src/cli/main.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function assayHere(args: readonly string[], cwd: string): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      said[name] += text;
    },
  });
  const code = await runCommandLine(args, {
    ...{ stdout: sink('stdout'), stderr: sink('stderr'), env: {}, cwd },
    ...{ argv: ['assay', ...args], signal: new AbortController().signal },
  });
  return { code, ...said };
}
