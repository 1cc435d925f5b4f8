import { describe, expect, it } from 'vitest';
import { parseBarState } from './bars.ts';
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
