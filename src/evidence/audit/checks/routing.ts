/** What a routing trace can and cannot show, and what is said of it elsewhere. */
import type { Check, CheckContext } from '../check.ts';
import { Judge, shown } from '../finding.ts';
import { meets } from '../interval.ts';
import { type AuditDocument, placeOf } from '../record.ts';
import { words } from '../role.ts';
import type { RouteTrace } from '../route-trace.ts';

export const routingCheck: Check = {
  name: 'routing-trace',
  says: 'routes are of real tokens, as many as were generated, and their entropy is in its unit',
  run(document, context) {
    const judge = new Judge(this.name, document);
    if (document.trace) checkTrace(judge, document.trace, context);
    for (const { trace } of context.documents) {
      if (!trace || document.trace) continue;
      checkSaid(judge, document, trace);
      checkEqualCounts(judge, { document, trace, context });
    }
    return judge.verdicts;
  },
};

function checkTrace(judge: Judge, trace: RouteTrace, context: CheckContext): void {
  const { rows, dummies, runs, experts, top } = trace;
  const most = Math.log2(experts);
  const at = (line: number) => ({ line, column: 1, width: 1 });
  if (dummies > 0) {
    const share = ((dummies / rows) * 100).toFixed(2);
    const first = top.map(({ expert, count }) => `${expert} (${count})`).join(', ');
    const [all, clean] = [trace.entropyBits, trace.cleanBits];
    const ofMost = ((clean / most) * 100).toFixed(1);
    judge.found({
      severity: 'suspicious',
      place: at(trace.dummyLine),
      written: `${rows} routes`,
      arithmetic:
        `${dummies} (${share} %) repeat one row (runs of ${runs.slice(0, 4).join(', ')}); ` +
        `entropy over all ${all.toFixed(4)} bits (${(all * Math.LN2).toFixed(4)} nats), ` +
        `over the other ${rows - dummies} rows ${clean.toFixed(4)} bits, ` +
        `${ofMost} % of log2(${experts}) = ${most.toFixed(4)}; most used then: ${first}`,
      follows: 'these rows are profiling and warm-up: with them every expert statistic is theirs',
    });
  } else judge.held();
  if (trace.requests === 1) {
    judge.found({
      severity: 'not-evidenced',
      place: at(trace.firstLine),
      written: 'one req_id for all routes',
      arithmetic: `1 request id over ${rows} rows`,
      follows: 'what is said of single requests, or of a position in one, cannot be seen here',
    });
  }
  const { low, high } = trace.weightSums;
  if (high - low > 0.01 || Math.abs(high - 1) > 0.01) {
    judge.found({
      severity: 'suspicious',
      place: at(trace.firstLine),
      written: 'topk_weights',
      arithmetic: `their sums are ${low.toFixed(4)} to ${high.toFixed(4)}`,
      follows: 'the weights are not normalised: they are not shares of a row',
    });
  } else judge.held();
  checkCount(judge, trace, context);
}

/** "Records = tokens generated", with the tokens of a file beside it. */
function checkCount(judge: Judge, trace: RouteTrace, context: CheckContext): void {
  const counts = generatedIn(context);
  const [nearest] = counts;
  if (!nearest) return;
  if (counts.some(({ value }) => value === trace.rows)) {
    judge.held();
    return;
  }
  judge.found({
    severity: 'suspicious',
    place: { line: trace.firstLine, column: 1, width: 1 },
    written: `${trace.rows} routes`,
    arithmetic: counts
      .slice(0, 3)
      .map((c) => `${c.document.path}:${c.line} has ${c.value} tokens generated`)
      .join('; '),
    follows: 'records are not the tokens generated: rows of prefill and warm-up are among them',
  });
}

interface Generated {
  readonly document: AuditDocument;
  readonly line: number;
  readonly value: number;
}

function generatedIn({ documents }: CheckContext): Generated[] {
  return documents.flatMap((document) =>
    document.records.flatMap((record) =>
      record.fields
        .filter((f) => /\btokens generated\b/.test(words(f.label)) && f.quantities.length === 1)
        .map((f) => ({ document, line: f.place.line, value: f.quantities[0]?.value ?? 0 })),
    ),
  );
}

const EQUAL_COUNTS =
  /\brecords?\b.{0,40}(?:\bmatch(?:es)?\b|=|\bequals?\b).{0,40}\btokens generated\b/i;

/** `Count total records matches expected tokens generated`. */
function checkEqualCounts(
  judge: Judge,
  {
    document,
    trace,
    context,
  }: { document: AuditDocument; trace: RouteTrace; context: CheckContext },
): void {
  const counts = generatedIn(context);
  for (const { text, place } of document.passages) {
    const match = EQUAL_COUNTS.exec(text);
    if (!match || counts.length === 0) continue;
    if (counts.some(({ value }) => value === trace.rows)) {
      judge.held();
      continue;
    }
    const values = [...new Set(counts.map((c) => c.value))];
    judge.found({
      severity: 'refuted',
      place: placeOf(place, { at: match.index, text: match[0] }),
      written: text.trim(),
      arithmetic:
        `the trace has ${trace.rows} records, ` + `${values.join(' or ')} tokens were generated`,
      follows: 'the records are rows of batches, those of prefill and warm-up among them',
    });
  }
}

/** Of the trace's shape, not of its rows. */
const BOUND = /\b(?:max(?:imum)?|theoretical|normali[sz]ed|relative|ratio)\b/;

/** An entropy in a document, against the trace: right, in nats, or over the dummies. */
function checkSaid(judge: Judge, document: AuditDocument, trace: RouteTrace): void {
  for (const record of document.records) {
    for (const field of record.fields) {
      const isOwn = field.role === 'entropy' && !BOUND.test(words(field.label));
      const said = isOwn ? field.quantities[0] : undefined;
      if (!said) continue;
      judge.rests(said);
      const nats = said.unit?.text.startsWith('nat') ?? false;
      const unit = nats ? Math.LN2 : 1;
      const fits = (bits: number): boolean => meets({ low: bits, high: bits }, said.interval);
      if (fits(trace.cleanBits * unit)) {
        judge.held();
        continue;
      }
      const other = nats ? 1 : Math.LN2;
      const wrongUnit = fits(trace.entropyBits * other) || fits(trace.cleanBits * other);
      const all = fits(trace.entropyBits * unit) || fits(trace.entropyBits * other);
      judge.found({
        severity: 'refuted',
        place: placeOf(field.place, said),
        written: `${field.label} ${said.text} ${said.unit?.text ?? ''}`.trim(),
        arithmetic:
          `the trace gives ${shown(trace.cleanBits * unit)} ${nats ? 'nats' : 'bits'}, with its ` +
          `${trace.dummies} dummy rows ${shown(trace.entropyBits * unit)}`,
        follows: [
          wrongUnit ? `the number is in ${nats ? 'bits' : 'nats'}` : '',
          all && trace.dummies > 0 ? 'it is over the dummy rows too' : '',
          wrongUnit || all ? '' : 'it is not of this trace',
        ]
          .filter(Boolean)
          .join('; '),
      });
    }
  }
}
