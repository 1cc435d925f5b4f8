/** The log's decision: best configurations, limits, cost, what to deploy, and for which traffic. */
import { configurationFor, demandOf, TIERS } from '../analyze/capacity.ts';
import { COST_FORMULA, PRICED } from '../analyze/cost.ts';
import { citeManifest, citeMetric, inUnits } from './cite.ts';
import {
  citeBalance,
  citeCapacity,
  citeCost,
  citeGpuShare,
  citeHeadroom,
  citeSetting,
  citeWorkers,
} from './cite-decision.ts';
import { citeBatchSize } from './cite-speed.ts';
import type { ExperimentReport } from './collect.ts';
import { decisions, type ModelDecision } from './collect-decision.ts';
import { conclusionLines, foundSentences } from './conclusion.ts';
import { pricesOf } from './decision-cost.ts';
import {
  bestLines,
  checkRow,
  named,
  paretoLines,
  rankedNote,
  reasonLines,
  unrankedLines,
} from './decision-text.ts';
import type { DocumentBuilder, Piece } from './document.ts';
import type { Ranked } from './field.ts';
import { conclusion } from './findings.ts';
import { modelWords } from './marks.ts';
import { variantAnchor } from './variant-title.ts';

/** What a reader takes away, before everything that it stands on. */
export function conclusionSection(doc: DocumentBuilder, report: ExperimentReport): void {
  const found = foundSentences(report);
  if (found === null) return;
  doc.heading(2, 'Conclusion');
  doc.add(['Found: ', found]);
  doc.blank();
  for (const line of conclusionLines(report)) doc.add(['- ', line]);
}

export function decisionSections(doc: DocumentBuilder, report: ExperimentReport): void {
  const all = decisions(report);
  const ranked = all.filter(({ field }) => field.length > 0);
  const of = (model: string): string => `: ${modelWords(model, report.cells)}`;
  if (ranked.length > 0) doc.heading(2, 'Best Configurations');
  for (const decision of ranked) {
    if (all.length > 1 || decision.dummy) doc.heading(3, `Best${of(decision.model)}`);
    best(doc, report, decision);
  }
  const priced = pricesOf(report).length > 0 ? ranked : [];
  if (priced.length > 0) costHeading(doc, report);
  for (const decision of priced) {
    if (all.length > 1 || decision.dummy) doc.heading(3, `Cost${of(decision.model)}`);
    costTable(doc, report, decision);
  }
  doc.heading(2, 'Recommendation');
  for (const decision of all) {
    if (all.length > 1 || decision.dummy) doc.heading(3, `Deploy${of(decision.model)}`);
    recommendation(doc, report, decision);
  }
}

function best(doc: DocumentBuilder, report: ExperimentReport, decision: ModelDecision): void {
  for (const line of bestLines(decision)) doc.add(['- ', line]);
  for (const line of unrankedLines(decision)) doc.add(['- ', line]);
  const { field, balance, pareto } = decision;
  const front = new Set(pareto.front);
  doc.table(
    ['Scheme', 'Batch size', 'Samples/s', 'P95 (ms)', 'Balance', 'Pareto front', 'Notes', 'Run'],
    field.map((each, i) => [
      each.scheme,
      citeBatchSize(each.cell),
      citeMetric(each.cell.run, 'samplesPerSecond'),
      citeMetric(each.cell.run, 'latencyP95'),
      balance ? citeBalance(each, field, balance.scores[i] as number) : '—',
      front.has(each.id) ? 'yes' : 'no',
      rankedNote(each),
      `\`${each.id}\``,
    ]),
  );
  doc.line`Balance: (minmax(throughput) + 1 − minmax(P95)) / 2, minmax over the rows of this`;
  doc.line`table. It ranks in this field only. Values are compared, not intervals.`;
  for (const line of paretoLines(decision)) doc.add(line);
  if (decision.checks.length === 0) return;
  doc.blank();
  doc.line`Limits of \`choose\`:`;
  doc.table(
    ['Scheme', 'Batch size', 'Limit', 'Value', 'Demanded', 'Outcome'],
    decision.checks.map((check) => checkRow(report, check)),
  );
}

function costHeading(doc: DocumentBuilder, report: ExperimentReport): void {
  doc.heading(2, 'Cost Analysis');
  doc.add(`- **Formula:** ${COST_FORMULA}, in US dollars; rate in requests or tokens a second`);
  for (const { name, usdPerHour } of pricesOf(report)) {
    const price = citeSetting(report, ['cost', 'usd_per_hour', name], { value: usdPerHour });
    doc.add([`- **usd_per_hour**, ${name}: `, price]);
  }
  const utilization = report.config.cost?.utilization ?? 1;
  doc.add([
    '- **utilization:** ',
    citeSetting(report, ['cost', 'utilization'], { value: utilization }),
  ]);
  doc.line`- Input tokens are charged the time of the prefill, output tokens that of decode steps.`;
}

function costTable(doc: DocumentBuilder, report: ExperimentReport, decision: ModelDecision): void {
  const words = PRICED.map(({ of, count }) => `USD per ${count === 1_000 ? '1K' : '1M'} ${of}`);
  const rows = pricesOf(report).flatMap((price) =>
    decision.field.map((each): Piece[] => [
      each.scheme,
      citeBatchSize(each.cell),
      price.name,
      ...PRICED.map((priced) => citeCost(each, price, priced)),
    ]),
  );
  doc.table(['Scheme', 'Batch size', 'Price', ...words], rows);
}

function recommendation(
  doc: DocumentBuilder,
  report: ExperimentReport,
  decision: ModelDecision,
): void {
  const { chosen, model } = decision;
  if (!chosen) {
    const said = decision.dummy ? null : conclusion(report, model);
    doc.add([`None: ${decision.reason}.`, ...(said ? [' By quality and size alone: ', said] : [])]);
    return;
  }
  doc.add(['Deploy ', named(chosen.cell), '. Why:']);
  doc.blank();
  const link = ({ scheme, baseline }: { scheme: string; baseline: string }): Piece =>
    ` ([comparison](#${variantAnchor(report, { model, scheme })}) with \`${baseline}\`)`;
  for (const line of reasonLines(report, decision, link)) doc.add(['- ', line]);
  settings(doc, chosen.cell);
  tiers(doc, report, decision);
}

/** Only what was measured: a setting without evidence is named as a gap. */
function settings(doc: DocumentBuilder, chosen: Ranked): void {
  const { cell, scheme } = chosen;
  const { run } = cell;
  const { engine } = run.manifest;
  const share = citeGpuShare(chosen);
  doc.blank();
  doc.line`Deployment settings:`;
  doc.blank();
  doc.line`\`\`\``;
  doc.line`QUANTIZATION=${scheme}`;
  doc.line`MAX_NUM_SEQS=${citeBatchSize(cell)}`;
  if (engine) {
    const format = { style: 'integer' } as const;
    doc.line`THREADS=${citeManifest(run, 'engine.threads', format, engine.threads)}`;
    doc.line`DEVICE=${engine.device}`;
  }
  if (share) doc.line`GPU_MEMORY_UTILIZATION=${share}`;
  doc.line`\`\`\``;
  if (!share) doc.line`GPU_MEMORY_UTILIZATION is not given: no memory of a GPU was read.`;
}

function tiers(doc: DocumentBuilder, report: ExperimentReport, decision: ModelDecision): void {
  const { chosen, field, checks } = decision;
  if (!chosen) return;
  const utilization = report.config.cost?.utilization ?? 1;
  const broken = new Set(
    checks.filter((c) => c.state === 'violated' || c.state === 'unknown').map((c) => c.run),
  );
  const own = field
    .filter(({ scheme, id }) => scheme === chosen.cell.scheme && !broken.has(id))
    .map((each) => ({ ...each, samplesPerSecond: each.throughput }));
  const rows = TIERS.flatMap((tier): Piece[][] => {
    const demand = { requestsPerMinute: demandOf(tier), utilization };
    const cell = configurationFor(own, demand);
    if (!cell) return [];
    const [from, to] = [tier.from, tier.to].map((n) => n?.toLocaleString('en-US'));
    const range = to === undefined ? `> ${from}` : tier.from === 0 ? `< ${to}` : `${from} to ${to}`;
    return [
      [
        `${tier.name}, ${range}`,
        citeBatchSize(cell.cell),
        inUnits(citeMetric(cell.cell.run, 'latencyP95')),
        citeCapacity(cell),
        citeWorkers(cell, demand),
        citeHeadroom(cell, demand),
      ],
    ];
  });
  const header = ['Batch size', 'P95 (ms)', 'Requests/min of a worker', 'Workers', 'Headroom'];
  doc.blank();
  doc.line`Scaling by requests a minute, ${limitWords(report)}:`;
  doc.table(['Traffic', ...header], rows);
  const { measure } = Object(chosen.cell.cell.run.manifest.config) as {
    measure?: Record<string, unknown>;
  };
  doc.line`A tier is planned at its upper end; the open one at its lower, and each further worker`;
  doc.line`adds its capacity: that of full batches back to back, ${work(chosen.cell, measure)}.`;
  doc.line`Requests that come at random wait before it is reached: load was not measured.`;
}

function limitWords(report: ExperimentReport): Piece {
  const { choose, cost } = report.config;
  const limit: Piece =
    choose?.p95_ms === undefined
      ? 'no latency limit given'
      : [
          'P95 at most ',
          citeSetting(report, ['choose', 'p95_ms'], { value: choose.p95_ms }),
          ' ms',
        ];
  if (!cost) return limit;
  const share = { style: 'percent', digits: 0 } as const;
  const used = citeSetting(report, ['cost', 'utilization'], {
    value: cost.utilization,
    format: share,
  });
  return [limit, ', workers used up to ', used, ' %'];
}

function work({ cell }: Ranked, measure: Record<string, unknown> | undefined): Piece {
  const tokens = (name: string): Piece => {
    const value = measure?.[name];
    if (typeof value !== 'number') return 'unknown';
    return citeManifest(cell.run, `config.measure.${name}`, { style: 'integer' }, value);
  };
  const prompt = measure?.prompt_tokens === undefined ? 'longest_prompt' : 'prompt_tokens';
  const up = prompt === 'longest_prompt' ? 'up to ' : '';
  return [up, tokens(prompt), ' tokens in and ', tokens('new_tokens'), ' out'];
}
