/** A worker for record-process.test.ts: appends until it is killed, and says what is written. */
import { SampleWriter } from '../../src/record/sample-writer.ts';

const writer = new SampleWriter(process.argv[2] ?? '');
const window = { kind: 'window', batch: 0, document: 0, scoreFrom: 1 } as const;
const scores = { hit: '1'.repeat(3000), logp: [], topLogp: [], sumSquares: [] };

function append(): void {
  const first = writer.rows;
  writer.append([0, 1, 2, 3].map((i) => ({ ...window, window: first + i, ...scores })));
  process.send?.(writer.rows);
  setImmediate(append);
}
append();
