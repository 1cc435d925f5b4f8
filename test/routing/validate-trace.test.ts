import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatError, StorageError } from '../../src/record/errors.ts';
import { type ValidateOptions, validateTrace } from '../../src/routing/validate-trace.ts';
import { metaLine, routeLines, type TraceShape, traceText } from '../support/route-lines.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-routes-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const SHAPE: TraceShape = {
  ...{ requests: 3, tokens: 6, layers: [0, 5], experts: 60, topK: 4, phase: true },
  meta: { num_experts: 60, norm_topk_prob: false },
};
const META = metaLine(SHAPE);
const ROUTES = routeLines(SHAPE);

let written = 0;
async function check(content: string | Buffer, options: ValidateOptions = {}) {
  const path = join(dir, `trace-${written++}.jsonl`);
  writeFileSync(path, content);
  return validateTrace(path, options);
}

const lines = (...all: string[]): string => `${all.join('\n')}\n`;
const changed = (at: number, change: (row: Record<string, unknown>) => unknown): string => {
  const rows = [...ROUTES];
  rows[at] = JSON.stringify(change(JSON.parse(rows[at] as string)));
  return lines(META, ...rows);
};

describe('a whole trace', () => {
  it('is valid', async () => {
    const found = await check(lines(META, ...ROUTES));
    expect(found.problems.shown).toEqual([]);
    expect(found).toMatchObject({ valid: true, routes: 36, dummyRoutes: 0, topK: 4, experts: 60 });
    expect(found.layers).toEqual([5, 0].map((layer) => ({ layer, routes: 18 })).reverse());
    expect(found.notEvidenced).toEqual([]);
  });

  it.each<[string, Partial<TraceShape>]>([
    ['num_experts in meta', { meta: { num_experts: 64 }, experts: 64, topK: 8 }],
    ['created_at in meta', { meta: { created_at: '2026-01-05T10:00:00Z' } }],
    ['no num_experts at all', { meta: {} }],
    ['null versions of an embedded engine', { meta: { vllm_version: null, torch_version: null } }],
    ['all layers in one word', { meta: { layers_logged: 'all' } }],
    ['other layers', { layers: [3, 11, 23] }],
    ['spaces', { spaced: true }],
    ['renormalised weights', { normalized: true, meta: { norm_topk_prob: true } }],
  ])('is valid in the dialect: %s', async (_, dialect) => {
    const found = await check(traceText({ ...SHAPE, meta: {}, ...dialect }));
    expect(found.problems.shown).toEqual([]);
    expect(found.valid).toBe(true);
  });

  it('is read from gzip', async () => {
    const found = await check(gzipSync(lines(META, ...ROUTES)));
    expect(found).toMatchObject({ kind: 'jsonl.gz', valid: true, routes: 36 });
  });

  it('needs no line feed at its end', async () => {
    expect(await check(lines(META, ...ROUTES).trimEnd())).toMatchObject({
      valid: true,
      routes: 36,
    });
  });
});

describe('what is wrong is said by line', () => {
  it.each<[string, string, string, number, RegExp]>([
    ['no meta', lines(...ROUTES), 'header', 1, /no meta line/],
    ['two metas', lines(META, META, ...ROUTES), 'header', 2, /another meta/],
    ['meta after routes', lines(...ROUTES, META), 'header', 37, /after routes/],
    [
      'a meta that lacks a field',
      lines(META.replace('"device":"cpu",', ''), ...ROUTES),
      ...(['header', 1, /no device/] as const),
    ],
    [
      'a meta with a seed that is none',
      lines(META.replace('"seed":1', '"seed":"x"'), ...ROUTES),
      ...(['header', 1, /seed of the header is "x"/] as const),
    ],
    [
      'an id out of range',
      changed(4, (r) => ({ ...r, topk_ids: [1, 2, 3, 60] })),
      'expert',
      6,
      /60 of 60/,
    ],
    ['a negative id', changed(4, (r) => ({ ...r, topk_ids: [1, 2, 3, -1] })), 'expert', 6, /-1/],
    [
      'an id twice',
      changed(4, (r) => ({ ...r, topk_ids: [1, 2, 3, 1] })),
      'expert',
      6,
      /1 stands twice/,
    ],
    [
      'a mixed top-k',
      changed(4, (r) => ({ ...r, topk_ids: [1], topk_weights: [0.5] })),
      'top-k',
      6,
      /1 experts, not 4/,
    ],
    [
      'NaN as Python writes it',
      lines(META, ...ROUTES).replace(/"topk_weights":\[[^,]+/, '"topk_weights":[NaN'),
      ...(['weight', 2, /not a finite number/] as const),
    ],
    [
      'a negative weight',
      changed(9, (r) => ({ ...r, topk_weights: [-0.1, 0, 0, 0] })),
      'weight',
      11,
      /-0.1/,
    ],
    [
      'probabilities above 1',
      changed(9, (r) => ({ ...r, topk_weights: [0.9, 0.9, 0, 0] })),
      'sum',
      11,
      /1\.8/,
    ],
    [
      'fewer weights than ids',
      changed(9, (r) => ({ ...r, topk_weights: [0.1] })),
      'field',
      11,
      /4 topk_ids, 1/,
    ],
    ['a field missing', changed(2, ({ layer: _, ...r }) => r), 'field', 4, /no layer/],
    [
      'a field mistyped',
      changed(2, (r) => ({ ...r, token_idx: '0' })),
      'field',
      4,
      /token_idx is "0"/,
    ],
    ['an unknown type', changed(2, (r) => ({ ...r, type: 'rout' })), 'field', 4, /type is "rout"/],
    [
      'an unknown phase',
      changed(2, (r) => ({ ...r, phase: 'other' })),
      'field',
      4,
      /phase is "other"/,
    ],
    [
      'a layer that the header does not name',
      changed(2, (r) => ({ ...r, layer: 7 })),
      'header',
      4,
      /layer 7/,
    ],
    [
      'a token twice',
      lines(META, ...ROUTES.slice(0, 12), ROUTES[10] as string, ...ROUTES.slice(12)),
      'duplicate',
      14,
      /token 1 .* twice/,
    ],
    [
      'a token out of order',
      lines(META, ...ROUTES.slice(0, 24), ROUTES[6] as string, ...ROUTES.slice(24)),
      'order',
      26,
      /token 1 .*after token 3/,
    ],
    [
      'a request twice',
      lines(META, ...ROUTES, ROUTES[0] as string),
      'duplicate',
      38,
      /begins a second time/,
    ],
    ['text that is no JSON', lines(META, 'hello', ...ROUTES), 'syntax', 2, /hello/],
    ['half a last line', lines(META, ...ROUTES).slice(0, -40), 'torn', 37, /ends within this line/],
    [
      'a layer with fewer rows',
      lines(META, ...ROUTES.slice(0, -1)),
      'count',
      0,
      /18 rows, and .*17 rows/,
    ],
  ])('%s', async (_, text, kind, line, message) => {
    const found = await check(text);
    expect(found.valid).toBe(false);
    const own = found.problems.shown.find((problem) => problem.kind === kind);
    expect(own, JSON.stringify(found.problems.shown)).toMatchObject({ line });
    expect(own?.message).toMatch(message);
  });

  it('a meta of another top-k', async () => {
    const { problems } = await check(lines(META.replace('"top_k":4', '"top_k":2'), ...ROUTES));
    expect(problems.shown).toMatchObject([{ line: 1, kind: 'top-k' }]);
  });

  it('sums that a normalised trace does not have, all of them counted, 20 shown', async () => {
    const meta = META.replace('"norm_topk_prob":false', '"norm_topk_prob":true');
    const { problems } = await check(lines(meta, ...ROUTES));
    expect(problems.totals).toEqual({ sum: 36 });
    expect(problems.shown.map(({ line }) => line)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 2),
    );
  });

  it('an empty file, and one that is not there', async () => {
    await expect(check('')).rejects.toThrow(FormatError);
    await expect(validateTrace(join(dir, 'none'))).rejects.toThrow(StorageError);
  });

  it('gzip that is cut off, with all that came before it', async () => {
    const many = lines(META, ...Array.from({ length: 60 }, () => ROUTES).flat());
    const packed = gzipSync(many);
    const found = await check(packed.subarray(0, packed.length - 30));
    expect(found.problems.shown.find(({ kind }) => kind === 'torn')?.message).toMatch(/gzip/);
    expect(found.routes).toBeGreaterThan(0);
  });

  it('a file of something else', async () => {
    const found = await check('# A title\n\nSome words.\n'.repeat(30));
    expect(found.problems.totals).toEqual({ syntax: 60, header: 1 });
  });
});

describe('rows of a server’s own', () => {
  const dummy = (token: number, layer = 0): string =>
    JSON.stringify({
      ...{ type: 'route', req_id: 'r1', token_idx: token, layer },
      ...{ topk_ids: [43, 5, 7, 58], topk_weights: [0.1, 0.05, 0.04, 0.03] },
    });
  const batch = (n: number): string[] => Array.from({ length: n }, (_, i) => dummy(i));
  const one = { ...SHAPE, layers: [0], requests: 8, tokens: 40, phase: false };

  it('are runs of identical rows, in segments; a short run is none', async () => {
    const text = lines(metaLine(one), ...batch(256), ...batch(64), ...routeLines(one), ...batch(5));
    const found = await check(text);
    expect(found).toMatchObject({ routes: 645, dummyRoutes: 320 });
    expect(found.dummies).toMatchObject([{ rows: 320, segments: [256, 64], lines: [2, 321] }]);
    expect(found.layers).toEqual([{ layer: 0, routes: 325 }]);
  });

  it('are counted with --keep-dummies', async () => {
    const text = lines(metaLine(one), ...batch(256), ...routeLines(one));
    const found = await check(text, { keepDummies: true });
    expect(found).toMatchObject({ dummyRoutes: 256, layers: [{ layer: 0, routes: 576 }] });
  });

  it('are those that say so', async () => {
    const said = routeLines({ ...one, tokens: 2, seed: 99 }).map((line, i) => {
      return JSON.stringify({ ...JSON.parse(line), phase: i % 2 ? 'profile' : 'warmup' });
    });
    const found = await check(lines(metaLine(one), ...said, ...routeLines(one)));
    expect(found).toMatchObject({ valid: true, dummyRoutes: 16 });
    expect(found.layers).toEqual([{ layer: 0, routes: 320 }]);
  });

  it('are not repeated choices of a model that has few', async () => {
    // Two experts, one chosen, weight 1: long runs happen by chance.
    const rows = routeLines({ ...one, experts: 2, topK: 1, normalized: true, tokens: 200 });
    const found = await check(lines(metaLine({ ...one, topK: 1 }), ...rows));
    expect(found.dummyRoutes).toBe(0);
  });
});

describe('what cannot be decided', () => {
  it('a constant request id over rows of the batch', async () => {
    const rows = ROUTES.filter((line) => line.includes('"layer":0')).map((line, i) => {
      return line.replace(/"req_id":"\w+","token_idx":\d+/, `"req_id":"r1","token_idx":${i % 3}`);
    });
    const meta = metaLine({ ...SHAPE, layers: [0] });
    const found = await check(lines(meta, ...rows));
    expect(found.problems.shown).toEqual([]);
    expect(found.requests).toMatchObject({ ids: 1, evidenced: false });
    expect(found.notEvidenced.join()).toMatch(/one request id.*row of the batch/);
  });

  it('rows against generated tokens, where no row says its phase', async () => {
    const text = traceText({ ...SHAPE, phase: false });
    expect((await check(text, { generated: 12 })).notEvidenced.join()).toMatch(/decode phase/);
    expect((await check(lines(META, ...ROUTES), { generated: 13 })).valid).toBe(true);
    expect((await check(lines(META, ...ROUTES), { generated: 99 })).problems.shown).toMatchObject([
      { kind: 'count', message: '12 decode rows a layer, and 99 tokens of 3 requests' },
    ]);
  });
});
