import { describe, expect, test } from 'vitest';
import type { WorkerError } from './protocol.ts';
import { explain } from './worker-process.ts';

type Ending = Parameters<typeof explain>[0];

const DIED: Ending = {
  done: false,
  error: null,
  timedOut: false,
  aborted: null,
  oom: false,
  peakKiB: 0,
  timeoutS: null,
  code: null,
  killedBy: null,
};

const end = (changes: Partial<Ending>) => explain({ ...DIED, ...changes });

function workerError(code: string): WorkerError {
  return { code, exitCode: 4, message: 'the runtime said no', hint: 'ask again', details: {} };
}

describe('how a worker ended', () => {
  test('it said that it was done', () => {
    expect(end({ done: true, code: 0 })).toEqual({
      status: 'succeeded',
      reason: null,
      error: null,
    });
  });

  test('done counts even when Ctrl-C came just then', () => {
    expect(end({ done: true, code: 0, aborted: 'interrupted by the user' }).status).toBe(
      'succeeded',
    );
  });

  test('an error of its own, kept with its hint for the terminal', () => {
    const error = workerError('EngineError');
    expect(end({ error, code: 4 })).toEqual({
      status: 'failed',
      reason: 'EngineError: the runtime said no',
      error,
    });
    expect(end({ error: workerError('InvalidMeasurement'), code: 5 }).status).toBe('invalid');
    expect(end({ error, done: true, code: 4 }).status).toBe('failed');
  });

  test.each(['interrupted by the user', 'ended by SIGTERM'])(
    '%s, whatever the worker says about it',
    (aborted) => {
      const interrupted = { status: 'cancelled', reason: aborted, error: null };
      expect(end({ aborted, code: 130 })).toEqual(interrupted);
      expect(end({ aborted, error: workerError('Cancelled') })).toEqual(interrupted);
      expect(end({ aborted, killedBy: 'SIGKILL' })).toEqual(interrupted);
    },
  );

  test('out of time, with the limit', () => {
    expect(end({ timedOut: true, timeoutS: 1.5, error: workerError('Cancelled') })).toMatchObject({
      status: 'failed',
      reason: 'timed out after 1.5 s',
    });
  });

  test('out of memory is said only when the kernel’s counter rose; else it is a conjecture', () => {
    const peakKiB = 3 * 2 ** 20;
    const killed = { killedBy: 'SIGKILL' as const, peakKiB };
    expect(end({ ...killed, oom: true }).reason).toBe(
      'out of memory: the kernel killed the worker (oom_kill counter rose), ' +
        'peak resident set 3.00 GiB',
    );
    expect(end({ ...killed, peakKiB: 0 }).reason).toMatch(/killed by SIGKILL, as the kernel does/);
    expect(end(killed).reason).not.toContain('out of memory');
  });

  test('a crash: signal or exit code', () => {
    expect(end({ killedBy: 'SIGSEGV' }).reason).toBe(
      'the worker ended without a result (killed by SIGSEGV)',
    );
    expect(end({ code: 7 }).reason).toBe('the worker ended without a result (exit code 7)');
    expect(end({ code: 0 }).status).toBe('failed');
  });
});
