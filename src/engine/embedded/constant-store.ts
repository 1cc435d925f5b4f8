/** Where the bytes of weights go: into the protobuf, or into a file beside it. */
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LimitError } from '../../record/errors.ts';
import type { GraphBuilder } from './graph.ts';
import type { TensorHead } from './onnx.ts';

export interface ConstantStore {
  /** Folder of external data, null where there is none. */
  readonly folder: string | null;
  /** Adds the constant to `graph`; the data need not outlive the call for a file store. */
  add(graph: GraphBuilder, head: TensorHead, data: ArrayBufferView): string;
  /** All constants are written; throws what writing them threw. */
  finish(): void;
  /** Removes what the store made. May be called twice. */
  dispose(): void;
}

export function inlineStore(): ConstantStore {
  return {
    folder: null,
    add: (graph, head, data) => graph.constant(head.name, head.type, head.dims, data),
    finish: () => {},
    dispose: () => {},
  };
}

/** ONNX Runtime maps external data; a cache line keeps its vector loads aligned. */
const ALIGNMENT = 64;
/** Smaller constants go into the protobuf: shape inference must see them. */
const SMALLEST_EXTERNAL = 1024;
const FILE = 'weights.bin';

const PREFIX = 'assay-weights-';

/** Removes what processes left that were killed while they packed: gigabytes, in a temp folder. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !exists(Number(pid))) {
      rmSync(join(parent, name), { recursive: true, force: true });
    }
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * One file in a private directory (mode 0700) under `parent`. On POSIX `dispose` may run as soon as
 * the sessions exist: they keep the mapping, and no crash later can leave the file behind.
 */
export function fileStore(parent = tmpdir()): ConstantStore {
  sweep(parent);
  const folder = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  let file: number | null = null;
  let end = 0;
  const close = (): void => {
    if (file !== null) closeSync(file);
    file = null;
  };
  const dispose = (): void => {
    close();
    rmSync(folder, { recursive: true, force: true });
  };
  const write = (data: ArrayBufferView): number => {
    file ??= openSync(join(folder, FILE), 'w', 0o600);
    const at = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    writeAll(file, data, at);
    end = at + data.byteLength;
    return at;
  };
  return {
    folder,
    add(graph, head, data) {
      const { name, type, dims } = head;
      if (data.byteLength < SMALLEST_EXTERNAL) return graph.constant(name, type, dims, data);
      if (graph.has(name)) return name;
      const offset = write(data);
      return graph.external(name, type, dims, { file: FILE, offset, bytes: data.byteLength });
    },
    finish: close,
    dispose,
  };
}

function writeAll(file: number, data: ArrayBufferView, position: number): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(file, bytes, done, bytes.length - done, position + done);
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new LimitError(`cannot write the packed weights to a temporary file (${code})`, {
      hint: 'Free some space there, or set TMPDIR to a directory on a larger disk.',
      details: { bytes: position + bytes.length },
      cause,
    });
  }
}

/** Weights stay where they are, in files of one folder; what must be made goes inline. */
export function checkpointStore(folder: string): ConstantStore {
  return { ...inlineStore(), folder };
}
