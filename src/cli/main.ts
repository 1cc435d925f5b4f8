/** Process state in, exit code out: signals, errors and their one shape on the terminal. */
import { AssayError, Cancelled, INTERRUPTED } from '../record/errors.ts';
import { redactText, secretsOf } from '../record/redact.ts';
import { type CommandIo, type SignalHandler, writeJson, writeLine } from './io.ts';
import { buildProgram, HelpShown } from './program.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a run that ends by one is recorded with. */
const REASONS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGINT: INTERRUPTED,
  SIGTERM: 'ended by SIGTERM',
  SIGHUP: 'ended by SIGHUP: its terminal was closed',
};

export async function main(args: readonly string[]): Promise<number> {
  // The runtime reports its use to its makers, and leaves their files in the temporary folder,
  // unless this is set before it loads; workers inherit it. Whoever sets it decides for themselves.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const abort = new AbortController();
  let isWatched = false;
  let taken: SignalHandler | null = null;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (taken) {
      taken(signal);
      return;
    }
    // The second one, or the first of a command that has nothing to bring to an end.
    if (abort.signal.aborted || !isWatched) process.exit(130);
    const again = signal === 'SIGINT' ? '; press Ctrl-C again to quit at once' : '';
    process.stderr.write(`\n${REASONS[signal]}: stopping after the current batch${again}\n`);
    abort.abort(new Cancelled(REASONS[signal]));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // A reader that closes the pipe (head, less) is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A command that is being recorded goes on without its reader.
    if (error.code === 'EPIPE' && taken) return;
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  // Progress that nobody reads any more (`2>&1 | head`) is no reason to end a measurement.
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
  const io: CommandIo = {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    argv: ['assay', ...args],
    get signal() {
      isWatched = true;
      return abort.signal;
    },
    takeSignals(handler) {
      taken = handler;
      process.on('SIGQUIT', onSignal);
      process.on('SIGCONT', onSignal);
      process.on('SIGTSTP', () => {
        handler('SIGTSTP');
        process.kill(process.pid, 'SIGSTOP');
      });
    },
  };
  return runCommandLine(args, io);
}

/** The whole command line, testable in process. */
export async function runCommandLine(args: readonly string[], io: CommandIo): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  if (args.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof HelpShown) return error.exitCode;
    return reportError(error, io, args.includes('--json'));
  }
}

export function reportError(error: unknown, io: CommandIo, json: boolean): number {
  const secrets = secretsOf(io.env);
  if (error instanceof AssayError) {
    const message = redactText(error.message, secrets);
    const hint = error.hint === undefined ? null : redactText(error.hint, secrets);
    if (json) writeJson(io.stdout, { error: { code: error.code, message, hint } });
    for (const line of message.split('\n')) writeLine(io.stderr, `error: ${line}`);
    if (hint !== null) writeLine(io.stderr, `hint: ${hint}`);
    return error.exitCode;
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (json) {
    const message = redactText(error instanceof Error ? error.message : detail, secrets);
    writeJson(io.stdout, { error: { code: 'InternalError', message, hint: null } });
  }
  writeLine(io.stderr, 'error: this is a bug in assay, please report it with the lines below');
  writeLine(io.stderr, redactText(detail, secrets));
  return 1;
}
