/** An error on its way from a worker to its supervisor. */
import { AssayError } from '../record/errors.ts';
import type { WorkerError } from './protocol.ts';

export function describeError(error: unknown): WorkerError {
  if (error instanceof AssayError) {
    const { code, exitCode, message, hint, details } = error;
    return { code, exitCode, message, hint: hint ?? null, details };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'InternalError', exitCode: 1, message, hint: null, details: {} };
}
