/**
 * A command's output: byte for byte into a file, byte for byte to the screen, and when it came into
 * an index beside the file. Work is per chunk (up to 64 KiB), never per line.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { storageError } from '../record/storage-error.ts';

/** Where the user watches. A stream that is slow slows the command down, as a terminal does. */
export interface LiveSink {
  write(bytes: Uint8Array): unknown;
  once?(event: 'drain' | 'error', listener: () => void): unknown;
}

/** Chunks that come closer together than this share a row of the index. */
const RESOLUTION_MS = 1;
const FLUSH_CHARACTERS = 1 << 16;

/** `ms,stream,end`: by then (monotonic, from the start) this stream had written so many bytes. */
export class TimeIndex {
  readonly #path: string;
  readonly #file: number;
  readonly #nowMs: () => number;
  #text = 'ms,stream,end\n';
  #open: { stream: string; ms: number; end: number } | null = null;

  constructor(path: string, nowMs: () => number) {
    this.#path = path;
    this.#nowMs = nowMs;
    this.#file = openSync(path, 'wx');
  }

  add(stream: 'log' | 'err', end: number): void {
    const ms = this.#nowMs();
    const open = this.#open;
    if (open && (open.stream !== stream || ms - open.ms >= RESOLUTION_MS)) this.#put();
    if (this.#open) this.#open.end = end;
    else this.#open = { stream, ms, end };
    if (this.#text.length >= FLUSH_CHARACTERS) this.#flush();
  }

  close(): void {
    this.#put();
    this.#flush();
    closeSync(this.#file);
  }

  #put(): void {
    if (this.#open === null) return;
    const { ms, stream, end } = this.#open;
    this.#text += `${ms.toFixed(1)},${stream},${end}\n`;
    this.#open = null;
  }

  #flush(): void {
    try {
      writeWhole(this.#file, Buffer.from(this.#text));
    } catch (cause) {
      throw storageError({ doing: 'write', path: this.#path, cause });
    }
    this.#text = '';
  }
}

export interface Teed {
  /** Bytes of the stream. */
  readonly bytes: number;
  /** Why the file does not hold them all; null when it does. */
  readonly lost: unknown;
}

/** Resolves when the stream has ended. Never rejects: a full disk does not stop the command. */
export function tee(
  stream: Readable,
  to: { path: string; name: 'log' | 'err'; live: LiveSink; index: TimeIndex },
): Promise<Teed> {
  const file = openSync(to.path, 'wx');
  let bytes = 0;
  let lost: unknown = null;
  // Nobody watches any more (`| head`): the command goes on, and is recorded.
  let isGone = false;
  to.live.once?.('error', () => {
    isGone = true;
    stream.resume();
  });
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    try {
      if (lost === null) {
        writeWhole(file, chunk);
        to.index.add(to.name, bytes);
      }
    } catch (cause) {
      lost = storageError({ doing: 'write', path: to.path, cause });
    }
    if (isGone || to.live.write(chunk) !== false || !to.live.once) return;
    stream.pause();
    to.live.once('drain', () => stream.resume());
  });
  return new Promise((resolve) => {
    const finish = (): void => resolve({ bytes, lost });
    stream.once('close', () => {
      closeSync(file);
      finish();
    });
    stream.once('error', () => stream.destroy());
  });
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done);
  }
}
