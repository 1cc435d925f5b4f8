import { describe, expect, it } from 'vitest';
import { logFile } from './log-file.ts';
import { scanBytes } from './scan-file.ts';

const outcomeOf = (text: string) => {
  const scan = scanBytes(Buffer.from(text), 'x.log');
  const file = logFile({ path: 'x.log', modifiedMs: 0, scan, findings: [] }, () => null);
  return [file.outcome, file.outcomeEvidence?.line ?? null];
};
const TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 7\n';
const BANNER = '=======\nEvaluation Complete\n=======\n';

describe('how a program ended', () => {
  it.each([
    ['work\n✅ Done.\n', 'succeeded', 2],
    ['Conversion complete!\n   see the folder\n', 'succeeded', 1],
    ['Saved.\nFinished in 12.3 seconds\n', 'succeeded', 2],
    ['work\nexit code: 0\n', 'succeeded', 2],
    ['work\nProcess exited with code 137\nDone.\n', 'failed', 2],
    ['work\nSegmentation fault (core dumped)\nAll done\n', 'failed', 2],
    ['./run.sh: line 3: 4711 Killed   python3 x.py\n', 'failed', 1],
  ])('%j: %s', (text, outcome, line) => {
    expect(outcomeOf(text)).toEqual([outcome, line]);
  });

  it.each([
    'work\n',
    'the run is not complete\n',
    'Downloading 3 files, 2 completed so far, 1 left\n',
  ])('%j: unknown', (text) => {
    expect(outcomeOf(text)).toEqual(['unknown', null]);
  });

  it('a banner that a script prints around its program decides nothing', () => {
    expect(outcomeOf(`work\n${BANNER}`)).toEqual(['unknown', 3]);
  });

  it('a traceback beats banners, final lines, and a status of 0 that comes after it', () => {
    expect(outcomeOf(`${TRACEBACK}${BANNER}Done.\n`)).toEqual(['failed', 3]);
    expect(outcomeOf(`${TRACEBACK}exit code: 0\n`)).toEqual(['failed', 3]);
  });

  it('Ctrl-C is no failure, and memory that ran out is named', () => {
    expect(outcomeOf(TRACEBACK.replace('KeyError: 7', 'KeyboardInterrupt'))[0]).toBe('cancelled');
    const oom = TRACEBACK.replace('KeyError: 7', 'torch.OutOfMemoryError: CUDA out of memory.');
    expect(outcomeOf(oom)[0]).toBe('out-of-memory');
  });

  it('a traceback of a process that prefixes its lines is one too', () => {
    const text = TRACEBACK.replaceAll(/^/gm, '[rank3]: ').replace('KeyError: 7', 'a.b.MyFault');
    expect(outcomeOf(text)).toEqual(['failed', 3]);
  });

  it('a traceback that a logger prints line by line, with its clock, is one too', () => {
    let second = 10;
    const text = TRACEBACK.replaceAll(
      /^(?=.)/gm,
      () => `ERROR 12-18 03:13:${second++} [core.py:7] `,
    );
    expect(outcomeOf(text)).toEqual(['failed', 3]);
  });

  it('a traceback without its last line is a failure at its first', () => {
    expect(outcomeOf('x\nTraceback (most recent call last):\n  File "a.py"\n')).toEqual([
      'failed',
      2,
    ]);
  });

  it('a final line long before the end was that of a part', () => {
    expect(outcomeOf(`Done.\n${'working\n'.repeat(100)}`)).toEqual(['unknown', null]);
  });

  it('a bar that stops before its end is unfinished', () => {
    expect(outcomeOf('Load:  57%|█  | 4/7 [06:26<04:53, 97.72s/it]\n')[0]).toBe('unfinished');
    expect(outcomeOf('Load: 100%|███| 7/7 [06:26<00:00, 97.72s/it]\n')[0]).toBe('unknown');
  });

  it('a server has begun when uvicorn has, and ended when it shut down in order', () => {
    const begun =
      'INFO:     Started server process [77]\nINFO:     Uvicorn running on http://0:8000\n';
    expect(outcomeOf(begun)).toEqual(['unfinished', 1]);
    expect(outcomeOf(`${begun}INFO:     Application shutdown complete.\n`)).toEqual([
      'succeeded',
      3,
    ]);
  });

  it('torchrun names the exit of its worker', () => {
    const text = 'ERROR:torch: failed (exitcode: 1) local_rank: 0 (pid: 147) of binary: python\n';
    expect(outcomeOf(text)).toEqual(['failed', 1]);
  });

  it('torchrun names the exit of a rank', () => {
    const text =
      '  rank      : 3 (local_rank: 3)\n  exitcode  : -9 (pid: 14750)\n  traceback : Signal 9 (SIGKILL) received by PID 14750\n';
    expect(outcomeOf(text)).toEqual(['failed', 2]);
  });
});
