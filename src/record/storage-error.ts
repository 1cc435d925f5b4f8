/** What the file system said, as an error that says what to do. */
import { StorageError } from './errors.ts';

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free some space, or choose a lab on another disk, and run it again.',
  EDQUOT: 'Your disk quota is used up: free some space, or choose a lab on another disk.',
  EROFS: 'The file system is read-only: choose a lab directory that you can write to.',
  EACCES: 'You may not write there: change the permissions, or choose another lab directory.',
  EPERM: 'You may not write there: change the permissions, or choose another lab directory.',
  ENOENT: 'Check that the directory exists and was not removed meanwhile.',
  EIO: 'The device reports an error: check the disk or the network mount.',
};

const MAY_NOT_READ = 'You may not read it: change its permissions, or ask whom it belongs to.';

/** Names the path and what to do, for any error that the file system gave. */
export function storageError(what: {
  doing: 'write' | 'read' | 'create';
  path: string;
  cause: unknown;
}): StorageError {
  const code = (what.cause as NodeJS.ErrnoException | null)?.code ?? 'unknown';
  const told = what.cause instanceof Error ? what.cause.message : String(what.cause);
  return new StorageError(`cannot ${what.doing} ${what.path}: ${told}`, {
    hint: hintOf(code, what.doing),
    details: { path: what.path, errno: code },
    cause: what.cause,
  });
}

function hintOf(code: string, doing: 'write' | 'read' | 'create'): string {
  if (doing === 'read' && (code === 'EACCES' || code === 'EPERM')) return MAY_NOT_READ;
  return HINTS[code] ?? 'Check the path and the disk, and run it again.';
}
