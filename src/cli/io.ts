/** All process state that a command may touch, injected: commands are tested in process. */
export interface TextSink {
  write(text: string | Uint8Array): unknown;
  once?(event: 'drain' | 'error', listener: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type SignalHandler = (signal: NodeJS.Signals) => void;

export interface CommandIo {
  /** Data goes here. */
  readonly stdout: TextSink;
  /** Progress, warnings and errors go here. */
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The whole command line, for the record (redacted before it is written). */
  readonly argv: readonly string[];
  /** Aborted by Ctrl-C, SIGTERM, SIGHUP; a command that never asks for it is ended by them. */
  readonly signal: AbortSignal;
  /** From now on signals are this handler's alone. */
  takeSignals?(handler: SignalHandler): void;
}

export function writeLine(sink: TextSink, text = ''): void {
  sink.write(`${text}\n`);
}

export function writeJson(sink: TextSink, value: unknown): void {
  sink.write(`${JSON.stringify(value, null, 2)}\n`);
}
