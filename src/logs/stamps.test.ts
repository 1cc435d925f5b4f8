import { describe, expect, it } from 'vitest';
import { crossesClockChange, elapsedMs, findStamp, isoText, wallMs } from './stamps.ts';

const iso = (line: string, year = 2025): string | null => {
  const stamp = findStamp(line);
  return stamp && isoText({ stamp, year: stamp.year ?? year });
};

describe('time stamps', () => {
  it.each([
    ['Started: 2025-12-09T17:58:35', '2025-12-09T17:58:35'],
    ['2025-12-12T19:45:20.714598+0100 | reset | INFO - x', '2025-12-12T19:45:20.715+01:00'],
    ['2025-12-18 03:32:23,821 - INFO - tuner.py', '2025-12-18T03:32:23.821'],
    ['2026/11/20 04:47:07.834, 0, NVIDIA H200', '2026-11-20T04:47:07.834'],
    ['[2020-07-11T22:48:26Z] done', '2020-07-11T22:48:26Z'],
    ['(EngineCore_0 pid=7) INFO 12-18 03:13:09 [core.py:77] x', '2025-12-18T03:13:09'],
    ['[rank0]:[W1218 15:42:03.837044669 Process.cpp:1] x', '2025-12-18T15:42:03.837'],
    ['Dec  9 17:58:35 node7 slurmd[12]: x', '2025-12-09T17:58:35'],
    ['Tue Dec  9 17:58:35 CET 2025', '2025-12-09T17:58:35'],
    [
      '10.0.0.1 - - [18/Dec/2025:03:13:09 +0100] "GET / HTTP/1.1" 200 5',
      '2025-12-18T03:13:09+01:00',
    ],
  ])('%s', (line, expected) => {
    expect(iso(line)).toBe(expected);
  });

  it.each([
    'took 03:13:09 in all',
    '2025-13-09T17:58:35 is no month',
    '2025-02-30 10:00:00 is no day',
    'version 1.2025-12-09 10:00:00',
    `${'x'.repeat(200)} 2025-12-09T17:58:35`,
  ])('none in: %s', (line) => {
    expect(findStamp(line)).toBeNull();
  });

  it('has no year where none is written', () => {
    expect(findStamp('INFO 02-29 00:00:01 x')).toMatchObject({ year: null, month: 2, day: 29 });
  });

  it('takes zones into account only where both ends name theirs', () => {
    const at = (line: string) => {
      const stamp = findStamp(line);
      if (stamp?.year == null) throw new Error(line);
      return { stamp, year: stamp.year };
    };
    const before = at('2025-10-26T02:30:00+0200');
    expect(elapsedMs(before, at('2025-10-26T02:30:00+0100'))).toBe(3_600_000);
    expect(elapsedMs(before, at('2025-10-26T02:30:00'))).toBe(0);
  });

  it.each([
    ['2025-03-30T00:10:00', '2025-03-30T04:00:00', true],
    ['2025-10-25T20:00:00', '2025-10-26T08:00:00', true],
    ['2025-03-09T01:00:00', '2025-03-09T05:00:00', true],
    ['2025-11-01T20:00:00', '2025-11-02T08:00:00', true],
    ['2025-12-09T17:58:35', '2025-12-10T18:03:57', false],
    ['2024-12-31T23:00:00', '2025-01-01T01:00:00', false],
  ])('%s to %s may cross a change of clocks: %s', (from, to, expected) => {
    const ms = (text: string): number => {
      const stamp = findStamp(text);
      return stamp ? wallMs(stamp, stamp.year ?? 0) : Number.NaN;
    };
    expect(crossesClockChange(ms(from), ms(to))).toBe(expected);
  });
});
