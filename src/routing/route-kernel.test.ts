/** The compiled kernel against the row by row twin: everything that is read from either. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { columnBytes, columnsIn, type RouteBlock } from '../analyze/routing/route-block.ts';
import { RouteTally, type TalliedLayer } from '../analyze/routing/route-tally.ts';
import { BLOCK_ROWS } from './block-builder.ts';
import { type CheckedAgainst, RouteChecks } from './route-checks.ts';
import { RouteKernel } from './route-kernel.ts';
import { ProblemLog } from './trace-problem.ts';

interface Row {
  readonly request: number;
  readonly token: number;
  readonly layer: number;
  readonly phase: number;
  readonly ids: readonly number[];
  readonly weights: readonly number[];
}

class CountingKernel extends RouteKernel {
  /** Rows that were left to the caller, by the checks and by the tally. */
  readonly left = { check: 0, tally: 0 };

  override check(from: number): number {
    this.left.check++;
    return super.check(from);
  }

  override tally(from: number): number {
    this.left.tally++;
    return super.tally(from);
  }
}

function blockOf(rows: readonly Row[], topK: number, before: number): RouteBlock {
  const room = (rows.length + 3) & ~3;
  const block = columnsIn(new ArrayBuffer(columnBytes(room, topK)), room, topK);
  block.rows = rows.length;
  for (const [i, row] of rows.entries()) {
    block.request[i] = row.request;
    block.token[i] = row.token;
    block.layer[i] = row.layer;
    block.phase[i] = row.phase;
    block.line[i] = before + i + 1;
    block.ids.set(row.ids, i * topK);
    block.weights.set(row.weights, i * topK);
  }
  return block;
}

interface Of {
  readonly topK: number;
  readonly keepDummies: boolean;
  readonly against: Omit<CheckedAgainst, 'problems' | 'kernel'>;
  readonly blockRows: number;
}

function counted(rows: readonly Row[], of: Of, kernel: RouteKernel | null) {
  const { topK, keepDummies, against } = of;
  const problems = new ProblemLog();
  const checks = new RouteChecks({ ...against, problems, kernel });
  const tally = new RouteTally({ experts: against.experts, keepDummies, kernel });
  for (let at = 0; at < rows.length; at += of.blockRows) {
    const read = blockOf(rows.slice(at, at + of.blockRows), topK, at);
    const block = kernel?.place(read) ?? read;
    checks.check(block);
    tally.add(block, checks.bad, checks.maxId);
  }
  const { lowSum, highSum, sumsToOne, maxId, gaps, phaseRows, restarts, layers } = checks;
  return {
    ...{ lowSum, highSum, sumsToOne, maxId, gaps, restarts, layers },
    ...{ phaseRows: [...phaseRows], problems: problems.shown, totals: problems.totals },
    ...{ rows: tally.rows, refused: tally.refused, tallied: tally.finish().map(told) },
  };
}

/** Counts by the thousand, as one text: to the last bit, and compared in no time. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(new Uint8Array(buffer, byteOffset, byteLength)).toString('base64');
}

function told({ tally, dummies }: TalliedLayer) {
  const { layer, candidates, shortRuns, repeatingRuns, saidDummies, switched } = tally;
  const { phases, phaseRoutes, pairs, blocks, blockRows, requests, routes, stride } = tally.counts;
  return {
    ...{ layer, candidates, shortRuns, repeatingRuns, saidDummies, switched, dummies, blockRows },
    ...{ routes, stride, phaseRoutes: bytesOf(phaseRoutes), transitions: tally.transitions },
    ...{ weightSums: bytesOf(tally.counts.weightSums), said: bytesOf(tally.saidCounts.data) },
    ...{
      phases: bytesOf(phases.data),
      pairs: pairs && bytesOf(pairs.data),
      blocks: bytesOf(blocks.data),
    },
    ...{ requests: bytesOf(requests.data), hasRequests: tally.counts.hasRequests },
  };
}

const weight = fc.oneof(
  { arbitrary: fc.double({ min: 0, max: 1, noNaN: true }), weight: 20 },
  fc.constantFrom(0, -0, 0.25, 1e38, Number.POSITIVE_INFINITY),
);

/** Rows as requests make them, and a few of every kind that is none. */
function rowsOf(topK: number, most: number): fc.Arbitrary<Row[]> {
  const usual = fc.uniqueArray(fc.nat(most - 1), { minLength: topK, maxLength: topK });
  const any = fc.array(fc.nat(most + 40), { minLength: topK, maxLength: topK });
  const row = fc.record({
    request: fc.oneof({ arbitrary: fc.nat(6), weight: 9 }, fc.nat(300)),
    step: fc.oneof({ arbitrary: fc.constant(1), weight: 9 }, fc.integer({ min: -2, max: 3 })),
    layer: fc.oneof({ arbitrary: fc.nat(2), weight: 9 }, fc.constant(65_535)),
    phase: fc.oneof({ arbitrary: fc.nat(2), weight: 9 }, fc.integer({ min: 3, max: 4 })),
    ids: fc.oneof({ arbitrary: usual, weight: 15 }, any),
    weights: fc.array(weight, { minLength: topK, maxLength: topK }),
    times: fc.oneof({ arbitrary: fc.constant(1), weight: 15 }, fc.integer({ min: 2, max: 30 })),
  });
  return fc.array(row, { minLength: 1, maxLength: 400 }).map((seeds) => {
    const tokens = new Map<string, number>();
    return seeds.flatMap(({ step, times, ...rest }) =>
      Array.from({ length: times }, () => {
        const key = `${rest.request} ${rest.layer}`;
        const token = Math.max(0, (tokens.get(key) ?? -1) + step);
        tokens.set(key, token);
        return { ...rest, token };
      }),
    );
  });
}

const CASES = fc
  .record({
    topK: fc.integer({ min: 1, max: 9 }),
    experts: fc.constantFrom(null, 20, 60),
    keepDummies: fc.boolean(),
    normalized: fc.constantFrom(null, true, false),
    boundedSum: fc.boolean(),
    layers: fc.constantFrom(null, [0, 1]),
    blockRows: fc.constantFrom(1, 50, BLOCK_ROWS),
  })
  .chain((of) =>
    rowsOf(of.topK, of.experts ?? 90).map((rows) => {
      const { topK, keepDummies, blockRows, ...against } = of;
      return { rows, of: { topK, keepDummies, blockRows, against } };
    }),
  );

it('counts what the twin counts, of any rows', () => {
  fc.assert(
    fc.property(CASES, ({ rows, of }) => {
      expect(counted(rows, of, new RouteKernel(of.topK))).toEqual(counted(rows, of, null));
    }),
    { numRuns: 100 },
  );
});

const against = { experts: 60, normalized: null, boundedSum: true, layers: null };

it('counts the rows of long traces by itself, block after block', () => {
  const rows = Array.from({ length: 60_000 }, (_, i): Row => {
    const ids = [i % 60, (i * 7 + 1) % 60].filter((id, at, all) => all.indexOf(id) === at);
    const both = ids.length === 2 ? ids : [3, 4];
    const token = Math.floor(i / 24);
    const of = { request: i % 8, token, layer: Math.floor(i / 8) % 3, phase: token > 99 ? 2 : 1 };
    return { ...of, ids: both, weights: [((i * 31) % 97) / 97, 0.25] };
  });
  const of = { topK: 2, keepDummies: false, blockRows: BLOCK_ROWS, against };
  const kernel = new CountingKernel(2);
  expect(counted(rows, of, kernel)).toEqual(counted(rows, of, null));
  // The first rows of layers and requests, and the merging of blocks.
  expect(kernel.left.check).toBeLessThan(50);
  expect(kernel.left.tally).toBeLessThan(100);
});
