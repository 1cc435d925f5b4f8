/**
 * Files that are whole or absent: tmp in the same directory → fsync → rename → fsync directory.
 * Synchronous on purpose: these files are small, and a signal handler must be able to write one.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { checkJson } from './canonical.ts';
import { storageError } from './storage-error.ts';

/** Replaces `path` whole. Throws StorageError; the old file, if any, is then as it was. */
export function writeFileAtomic(path: string, data: Uint8Array | string): void {
  replaceFile(path, data, true);
}

/**
 * As writeFileAtomic, but not fsynced: readers see the old or the new file, a power loss may lose
 * both. For heartbeats, whose only use is over once the machine is down.
 */
export function writeFileVolatile(path: string, data: Uint8Array | string): void {
  replaceFile(path, data, false);
}

/** Pretty JSON (2 spaces, final newline). Throws TypeError for what JSON would change. */
export function writeJsonAtomic(path: string, value: unknown): void {
  writeFileAtomic(path, prettyJson(value));
}

/** Throws TypeError for NaN, undefined and the like: JSON.stringify would drop or alter them. */
export function prettyJson(value: unknown): string {
  checkJson(value);
  return `${JSON.stringify(value, null, 2)}\n`;
}

function replaceFile(path: string, data: Uint8Array | string, durable: boolean): void {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = openSync(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
      0o666,
    );
    try {
      writeFileSync(file, data);
      if (durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw storageError({ doing: 'write', path, cause });
  }
  if (durable) syncDirectory(dirname(path));
}

/** Makes a rename or a new name survive power loss. Some file systems cannot, and say EINVAL. */
export function syncDirectory(directory: string): void {
  let handle: number;
  try {
    handle = openSync(directory, 'r');
  } catch (cause) {
    // A directory that may be written but not listed: the rename stands, its durability is unknown.
    if ((cause as NodeJS.ErrnoException).code === 'EACCES') return;
    throw storageError({ doing: 'write', path: directory, cause });
  }
  try {
    fsyncSync(handle);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes(code)) {
      throw storageError({ doing: 'write', path: directory, cause });
    }
  } finally {
    closeSync(handle);
  }
}

/**
 * Makes a directory and those above it; one that is there is fine. Throws StorageError.
 * Not `mkdir` with `recursive`: on a read-only file system that answers ENOENT (Node 20), and the
 * user would be told to look for a missing directory.
 */
export function makeDirectory(path: string): void {
  try {
    makeWithParents(path);
  } catch (cause) {
    throw storageError({ doing: 'create', path, cause });
  }
}

function makeWithParents(path: string): void {
  try {
    makeOne(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!missing || dirname(path) === path) throw error;
    makeWithParents(dirname(path));
    makeOne(path);
  }
}

/** Content when another process was first, and where mkdir says EROFS of what is there. */
function makeOne(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (!(statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)) throw error;
  }
}
