/**
 * Reading what must be a file. Whoever opens a FIFO waits for a writer, for ever; a device may
 * never end.
 */
import { readFileSync, type Stats, statSync } from 'node:fs';
import { storageError } from './storage-error.ts';

/** Links are followed. Throws StorageError, also for a directory, a FIFO, a socket, a device. */
export function readRegular(path: string): Buffer {
  try {
    const what = otherThanFile(statSync(path));
    if (what !== null) throw new Error(`it is ${what}, not a file`);
    return readFileSync(path);
  } catch (cause) {
    throw storageError({ doing: 'read', path, cause });
  }
}

/** null: a regular file. */
export function otherThanFile(stat: Stats): string | null {
  if (stat.isFile()) return null;
  if (stat.isDirectory()) return 'a directory';
  if (stat.isFIFO()) return 'a FIFO';
  return stat.isSocket() ? 'a socket' : 'a device';
}
