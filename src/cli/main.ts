/** Process state in, exit code out: signals, errors and their one shape on the terminal. */
import { AssayError, Cancelled } from '../record/errors.ts';
import { redactText, secretsOf } from '../record/redact.ts';
import { type CommandIo, type SignalHandler, writeJson, writeLine } from './io.ts';
import { buildProgram, HelpShown } from './program.ts';

export async function main(args: readonly string[]): Promise<number> {
  // The runtime reports its use to its makers, and leaves their files in the temporary folder,
  // unless this is set before it loads; workers inherit it. Whoever sets it decides for themselves.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const abort = new AbortController();
  let interrupts = 0;
  let taken: SignalHandler | null = null;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (taken) {
      taken(signal);
      return;
    }
    interrupts++;
    if (interrupts > 1) process.exit(130);
    process.stderr.write(
      '\nstopping after the current batch; press Ctrl-C again to quit at once\n',
    );
    abort.abort(new Cancelled());
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
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
    signal: abort.signal,
    takeSignals(handler) {
      taken = handler;
      process.on('SIGHUP', onSignal);
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
