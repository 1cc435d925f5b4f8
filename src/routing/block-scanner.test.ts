import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockScanner } from './block-scanner.ts';
import { parseLine } from './parse-line.ts';

interface Row {
  readonly request: string;
  readonly token: number;
  readonly layer: number;
  readonly phase: number;
  readonly ids: number[];
  readonly weights: number[];
}

function scanned(text: string, topK: number): { rows: Row[]; slow: number; problems: number } {
  const bytes = Buffer.from(text);
  const scanner = new BlockScanner(topK);
  scanner.reach(bytes.length);
  // What an earlier chunk left behind the end.
  scanner.input.fill(0x37);
  bytes.copy(scanner.input);
  const from = scanner.scan({ from: 0, to: bytes.length });
  scanner.finish({ from, to: bytes.length });
  const { columns, names, slowLines, counts } = scanner.take();
  const rows = Array.from({ length: columns.rows }, (_, row) => ({
    request: names[columns.request[row] as number] as string,
    token: columns.token[row] as number,
    layer: columns.layer[row] as number,
    phase: columns.phase[row] as number,
    ids: [...columns.ids.subarray(row * topK, (row + 1) * topK)],
    weights: [...columns.weights.subarray(row * topK, (row + 1) * topK)],
  }));
  const problems = [...counts.values()].reduce((a, b) => a + b, 0);
  return { rows, slow: slowLines, problems };
}

/** The same by JSON.parse alone. */
function parsed(text: string, topK: number): Row[] {
  return text.split('\n').flatMap((line): Row[] => {
    const found = parseLine(line);
    if (found.kind !== 'route' || found.route.ids.length !== topK) return [];
    const { ids, weights, ...rest } = found.route;
    return [{ ...rest, ids: [...ids], weights: weights.map(Math.fround) }];
  });
}

const weight = fc.oneof(
  fc.float({ min: 0, max: 1, noNaN: true }).map((w) => Math.abs(w)),
  fc.integer({ min: 0, max: 9999 }).map((n) => n / 10_000),
  fc.constantFrom(0, 1, 1e-5, 2.5e-7, 0.1, 12.5, 1e-30),
);
const row = fc.record({
  req_id: fc.oneof(
    fc.constantFrom('r1', 'r10', 'chatcmpl-0f3e', ''),
    fc.string({ maxLength: 8 }),
    fc.integer({ min: 0, max: 99 }),
  ),
  token_idx: fc.oneof(fc.nat(50), fc.constantFrom(0, 4294967294, 4294967295, -1, 1.5)),
  layer: fc.oneof(fc.nat(60), fc.constantFrom(65535, 65536)),
  topk_ids: fc.array(fc.oneof(fc.nat(63), fc.constantFrom(-1, 70000, 2.5)), {
    minLength: 2,
    maxLength: 2,
  }),
  topk_weights: fc.array(weight, { minLength: 2, maxLength: 2 }),
  phase: fc.constantFrom('prefill', 'decode', 'profile', 'warmup', undefined, 'other', null),
});

/** How writers write: with and without spaces, other orders, more fields, damage. */
const written = (spread: boolean) =>
  fc
    .array(
      fc.record({
        row,
        spaced: fc.boolean(),
        extra: fc.boolean(),
        cut: fc.nat(400),
        kind: fc.nat(9),
      }),
      { maxLength: 30 },
    )
    .map((rows) => {
      const lines = rows.map(({ row: of, spaced, extra, cut, kind }) => {
        const full = { type: 'route', ...of, ...(extra && spread ? { step: cut, note: 'a' } : {}) };
        let text = JSON.stringify(full);
        if (spaced && spread) text = text.replaceAll(',"', ', "').replaceAll('":', '": ');
        if (kind === 0) text = text.slice(0, cut);
        if (kind === 1) text = text.replace(/(\d)(?=[,\]}])/, '0$1');
        if (kind === 2) text = `${text} `;
        return text;
      });
      return lines.map((line) => `${line}\n`).join('');
    });

describe('the scanner', () => {
  it('gives what JSON.parse gives, whatever the lines', () => {
    fc.assert(
      fc.property(fc.boolean().chain(written), (text) => {
        expect(scanned(text, 2).rows).toEqual(parsed(text, 2));
      }),
      { numRuns: 300 },
    );
  });

  it('reads f32 weights in all their digits to the bit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: 0, max: 2, noNaN: true }), { minLength: 20 }),
        (values) => {
          const weights = values.map(Math.abs);
          const line = (w: number) =>
            `{"type":"route","req_id":"r","token_idx":1,"layer":0,"topk_ids":[1],"topk_weights":[${w}]}\n`;
          const { rows } = scanned(weights.map(line).join(''), 1);
          expect(rows.map((each) => each.weights[0])).toEqual(weights.map(Math.fround));
        },
      ),
    );
  });

  it('reads lines of one shape without JSON.parse, but for the first', () => {
    const line = (i: number) =>
      `{"type": "route", "req_id": "r${i % 7}", "token_idx": ${i}, "layer": ${i % 3}, ` +
      `"topk_ids": [${i % 60}, ${(i + 9) % 60}], ` +
      `"topk_weights": [0.${i + 1}, 1.5e-0${1 + (i % 9)}], ` +
      `"phase": "${i % 2 ? 'prefill' : 'decode'}"}\n`;
    const { rows, slow } = scanned(Array.from({ length: 500 }, (_, i) => line(i)).join(''), 2);
    expect(rows).toHaveLength(500);
    expect(slow).toBe(1);
  });

  it('goes on with a second shape once it has seen it', () => {
    const a =
      '{"type":"route","req_id":"r","token_idx":1,"layer":0,"topk_ids":[1],"topk_weights":[0.5]}\n';
    const b = a.replace('"layer":0,', '').replace('}', ',"layer":3}');
    const { rows, slow } = scanned(`${a}${b}`.repeat(50), 1);
    expect(rows.map(({ layer }) => layer)).toEqual(
      Array.from({ length: 100 }, (_, i) => (i % 2) * 3),
    );
    expect(slow).toBe(2);
  });

  it('never takes what stands behind the end for a part of the last line', () => {
    const line =
      '{"type":"route","req_id":"r","token_idx":1,"layer":0,"topk_ids":[1],"topk_weights":[0.5]}\n';
    for (let cut = 1; cut < line.length; cut++) {
      const { rows, problems } = scanned(line + line.slice(0, cut), 1);
      const isWhole = cut === line.length - 1;
      expect([rows.length, problems]).toEqual(isWhole ? [2, 0] : [1, 1]);
    }
  });
});
