import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BarReader, parseBarState } from './bar-states.ts';
import { LogLine } from './log-line.ts';
import { scanBytes } from './scan-file.ts';

const barsOf = (text: string) => scanBytes(Buffer.from(text), 'x.err').collected.bars;

describe('a state of a progress bar', () => {
  it.each([
    ['Loading shards:  57%|█████▋    | 4/7 [06:26<04:53, 97.72s/it]', 'Loading shards', 4, 7, 386],
    ['100%|██████████| 32/32 [17:47<00:00, 33.37s/it]INFO - next', '', 32, 32, 1067],
    [
      'w.safetensors:  50%|█████     | 2.48G/4.95G [1:00:41<41, 59.5MB/s]',
      'w.safetensors',
      2.48e9,
      4.95e9,
      3641,
    ],
    [
      '(APIServer pid=1) Load:  14% Completed | 1/7 [00:06<00:38,  6.49s/it]',
      '(APIServer pid=1) Load',
      1,
      7,
      6,
    ],
    ['Compressing model: 448it [04:30,  1.66it/s]', 'Compressing model', 448, null, 270],
    ['Tokenizing:   0%|          | 0/123 [00:00<?, ? examples/s]', 'Tokenizing', 0, 123, 0],
  ])('%s', (text, name, count, total, elapsedS) => {
    expect(parseBarState(text)).toEqual({ name, count, total, elapsedS });
  });

  it.each(['disk is 98%|full', '57% Completed', 'it [is', 'a: 5%| x 3/7'])('is not %s', (text) => {
    expect(parseBarState(text)).toBeNull();
  });
});

describe('further states of a bar, read as bytes', () => {
  const lineOf = (text: string): LogLine => {
    const line = new LogLine();
    line.set(Buffer.from(text), 0, Buffer.byteLength(text));
    return line;
  };
  const digits = fc.stringMatching(/^\d{1,4}$/);
  const part = fc.oneof(
    digits,
    fc.constantFrom('%|', '| ', '|', '█▌', '/', ' [', ':', '<', ' ', 'a'),
  );
  const state = fc
    .tuple(fc.constantFrom('', 'Load', 'Größe (1/2)'), digits, digits, digits, digits)
    .map(([name, n, of, m, s]) => `${name}: ${n}%|█▌ | ${n}/${of} [${m}:${s}<00:01, 1it/s]`);

  it('are what they are as text, or are left to it', () => {
    fc.assert(
      fc.property(
        state,
        fc.oneof(
          state,
          fc.array(part).map((all) => all.join('')),
        ),
        (a, b) => {
          const reader = new BarReader();
          const first = parseBarState(a);
          if (first === null) return;
          reader.learn(lineOf(a), first, true);
          const fast = reader.read(lineOf(b));
          if (fast !== null) expect(fast).toEqual(parseBarState(b));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('are read so', () => {
    const reader = new BarReader();
    const line = (n: number) => `Load:  ${n}%|█▌ | ${n}/100 [1:02:0${n}<00:01, 1it/s]`;
    reader.learn(lineOf(line(1)), { name: 'Load', count: 1, total: 100, elapsedS: 3721 }, true);
    expect(reader.read(lineOf(line(7)))).toEqual(parseBarState(line(7)));
    expect(reader.read(lineOf(line(7)))).toMatchObject({ name: 'Load', count: 7 });
  });
});

describe('progress bars of a log', () => {
  it('collapse to first and last state, and bars of a number to one group', () => {
    const state = (i: number, n: number, s: number) =>
      `\r(${i}/2): Calibrating:  ${n * 25}%|██ | ${n}/4 [00:0${s}<00:01, 1.00it/s]`;
    const bars = barsOf(state(1, 0, 0) + state(1, 4, 3) + state(2, 0, 0) + state(2, 3, 2));
    expect(bars).toMatchObject([
      { name: '(n/2): Calibrating', bars: 2, states: 4, count: 7, total: 8, elapsedS: 5 },
    ]);
    expect(bars[0]).toMatchObject({ complete: false, first: { line: 1 }, last: { line: 1 } });
  });

  it('are counted apart when one of the same name starts again', () => {
    const bar = '\rSmoothing: 0it [00:00, ?it/s]\rSmoothing: 3it [02:43, 54.33s/it]';
    expect(barsOf(bar + bar)).toMatchObject([{ bars: 2, count: 6, total: null, elapsedS: 326 }]);
  });

  it('that two ranks print in turn stay one', () => {
    const at = (n: number) => `\rLoad: ${n}0%|█ | ${n}/10 [00:0${n}<00:05, 1.0it/s]`;
    expect(barsOf([0, 0, 3, 2, 5, 4, 9].map(at).join(''))).toMatchObject([{ bars: 1, count: 9 }]);
  });
});
