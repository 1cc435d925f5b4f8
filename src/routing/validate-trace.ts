/** `validate`: everything that can be held against a trace, and what it leaves open. */
import { expertsOf } from './analyze-trace.ts';
import type { TraceKind } from './read-trace.ts';
import { batchNumbered, type Evidenced } from './request-evidence.ts';
import { type TalliedTrace, type TallyOptions, tallyTrace } from './tally-trace.ts';
import type { ProblemLog, TraceProblem } from './trace-problem.ts';

export interface ValidateOptions extends TallyOptions {
  /** Tokens that were generated, if it is known. */
  readonly generated?: number;
}

export interface DummyRows {
  readonly layer: number;
  readonly lines: readonly [number, number];
  readonly rows: number;
  readonly segments: readonly number[];
}

export interface ValidatedTrace {
  readonly path: string;
  readonly kind: TraceKind;
  readonly valid: boolean;
  readonly model: string | null;
  /** Rows read, and those of them that are a server's own. */
  readonly routes: number;
  readonly dummyRoutes: number;
  readonly dummies: readonly DummyRows[];
  readonly layers: readonly { readonly layer: number; readonly routes: number }[];
  readonly topK: number;
  readonly experts: number;
  readonly expertsFrom: string;
  readonly requests: Evidenced;
  readonly weightSums: readonly [number, number] | null;
  readonly normalized: { readonly flag: boolean | null; readonly rows: number };
  readonly problems: {
    readonly total: number;
    readonly totals: ProblemLog['totals'];
    /** The first. */
    readonly shown: readonly TraceProblem[];
  };
  /** What the trace cannot decide. */
  readonly notEvidenced: readonly string[];
}

export async function validateTrace(
  path: string,
  options: ValidateOptions = {},
): Promise<ValidatedTrace> {
  const taken = await tallyTrace(path, options);
  const { read, checks, tally, tallied, requests } = taken;
  duplicates(taken);
  rowsByLayer(taken);
  const open = generatedTokens(taken, options.generated ?? null);
  const { problems, header } = read;
  const { experts, from } = expertsOf(header, tally.maxId);
  return {
    ...{ path: read.path, kind: read.kind, valid: problems.total === 0 },
    model: header?.modelId ?? null,
    routes: tally.rows,
    dummyRoutes: tallied.reduce((n, layer) => n + dummyRowsOf(layer), 0),
    dummies: tallied.flatMap(({ dummies }) =>
      dummies.map(({ layer, run }) => {
        const { lines, length: rows, segments } = run;
        return { layer, lines, rows, segments };
      }),
    ),
    layers: tallied.map(({ tally: of }) => ({ layer: of.layer, routes: of.counts.routes })),
    ...{ topK: read.topK, experts, expertsFrom: from, requests },
    weightSums: checks.highSum >= checks.lowSum ? [checks.lowSum, checks.highSum] : null,
    normalized: { flag: header?.normalized ?? null, rows: checks.sumsToOne },
    problems: { total: problems.total, totals: problems.totals, shown: problems.shown },
    notEvidenced: [...notEvidenced(taken), ...open],
  };
}

export function dummyRowsOf({ tally, dummies }: TalliedTrace['tallied'][number]): number {
  return tally.saidDummies + dummies.reduce((n, { run }) => n + run.length, 0);
}

/** A request that begins once more, unless token_idx is no position at all. */
function duplicates({ read, checks }: TalliedTrace): void {
  const batch = new Set(batchNumbered(checks));
  for (const [request, { line, layers }] of checks.restarts) {
    if (batch.has(request)) continue;
    for (const layer of layers.keys()) {
      read.problems.add(line, 'duplicate', () => {
        const name = JSON.stringify(read.names[request]);
        return `request ${name} begins a second time in layer ${layer}`;
      });
    }
  }
}

/** Every token passes every layer, so that all layers have the same number of rows. */
function rowsByLayer({ read, tallied }: TalliedTrace): void {
  const { header, problems } = read;
  if (header?.sampled) return;
  const rows = tallied.map((each) => {
    const { layer, counts } = each.tally;
    return { layer, rows: counts.routes + dummyRowsOf(each) };
  });
  const [first, ...others] = rows;
  const other = others.find((each) => each.rows !== first?.rows);
  if (first && other) {
    const [a, b] = [first, other].map(({ layer, rows: n }) => `layer ${layer} has ${n} rows`);
    problems.add(0, 'count', `${a}, and ${b}`);
  }
  const seen = new Set(rows.map(({ layer }) => layer));
  for (const layer of header?.layers ?? []) {
    if (!seen.has(layer)) problems.add(header?.line ?? 0, 'count', `layer ${layer} has no rows`);
  }
}

/**
 * A request of n new tokens has n − 1 decode rows in each layer, or n where the last token too went
 * through the model; the first comes from the prefill.
 */
function generatedTokens(
  { read, checks, tallied, requests }: TalliedTrace,
  generated: number | null,
): string[] {
  if (generated === null) return [];
  const decode = checks.phaseRows[2] as number;
  if (decode === 0) {
    return ['rows against generated tokens: no row says that it is of the decode phase'];
  }
  if (read.header?.sampled) return ['rows against generated tokens: only some tokens were logged'];
  const each = decode / tallied.length;
  if (each <= generated && each >= generated - requests.ids) return [];
  const said = `${each} decode rows a layer, and ${generated} tokens of ${requests.ids} requests`;
  read.problems.add(0, 'count', said);
  return [];
}

function notEvidenced({ read, checks, requests, tally }: TalliedTrace): string[] {
  const { header } = read;
  const { from } = expertsOf(header, tally.maxId);
  return [
    ...(requests.reason === null ? [] : [`requests and positions in them: ${requests.reason}`]),
    ...(from === 'largest id' ? ['the number of experts: taken as the largest id + 1'] : []),
    ...(header !== null && header.normalized === null
      ? ['whether weights should sum to 1: the header has no norm_topk_prob']
      : []),
    ...(checks.followedAll ? [] : ['the order of tokens: there are too many requests to follow']),
    ...(checks.gaps > 0 && requests.evidenced && !header?.sampled
      ? [`${checks.gaps} tokens between others of their request: they have no rows`]
      : []),
  ];
}
