/**
 * Real documents of five teams: what is wrong in them is found, what is right is not accused. The
 * truth was computed from the same files with other programs.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditedDocument } from '../../src/evidence/audit/audit.ts';
import { auditFiles } from '../../src/evidence/audit/audit-files.ts';
import type { AuditFinding } from '../../src/evidence/audit/finding.ts';
import type { LogEvidence } from '../../src/evidence/log-evidence.ts';
import { indexLogs } from '../../src/logs/index-logs.ts';

const shared = join(import.meta.dirname, '../../../shared');
const corpus = join(shared, 'corpus');
const present = existsSync(corpus) && existsSync(join(shared, 'seeds'));
if (!present) console.log(`skipped: no corpus at ${corpus}`);

const seed = (number: string): string => {
  const name = readdirSync(join(shared, 'seeds')).find((n) => n.startsWith(number));
  return join(shared, 'seeds', name ?? '');
};
const t4 = (name: string): string => join(corpus, 't4-quantization', name);
const matrix = (name: string): string =>
  join(corpus, 'batch-matrix/results/local_benchmarks', name, 'benchmark_results.json');

async function audited(
  files: readonly string[],
  logs: LogEvidence | null = null,
): Promise<AuditedDocument[]> {
  const { files: all, failed } = await auditFiles(files, { cwd: '/', logs });
  expect(failed).toEqual([]);
  return [...all];
}

const findingsOf = (files: readonly AuditedDocument[]): AuditFinding[] =>
  files.flatMap((f) => f.findings);

/** What is said in one line: severity, check, line, and all words. */
function told(findings: readonly AuditFinding[]): string[] {
  return findings.map(
    (f) =>
      `${f.severity} ${f.check} ${f.place.line}: ${f.written} | ${f.arithmetic} | ${f.follows}`,
  );
}

function expectTold(findings: readonly AuditFinding[], parts: readonly RegExp[]): void {
  const lines = told(findings);
  const found = lines.find((line) => parts.every((part) => part.test(line)));
  expect(found, `nothing says ${parts.join(' ')} in\n${lines.join('\n')}`).toBeDefined();
}

const heldBy = (file: AuditedDocument | undefined, check: string): number =>
  file?.checks.find((c) => c.check === check)?.held ?? 0;

describe.skipIf(!present)('seed 000, an index of logs, against its logs', () => {
  let findings: AuditFinding[] = [];
  beforeAll(async () => {
    const root = join(corpus, 'slurm-vllm-thesis');
    const logs = { root, index: await indexLogs(root) };
    findings = findingsOf(await audited([seed('000')], logs));
  }, 120_000);

  it.each([
    ['FP8 Quantization ~8 hours', [/refuted job-record/, /~8 hours/, /322 s by its epilog/]],
    ['INT4 Quantization ~6 hours', [/refuted job-record/, /~6 hours/, /job id\) took 70 s/]],
    ['the cited job failed', [/suspicious job-record/, /12001782/, /failed.*ImportError/]],
    ['INT4 Dequantization ~4 hours', [/refuted job-record/, /~4 hours/, /took 414 s/]],
    ['FP8 Dequantization ~2 hours', [/refuted job-record/, /~2 hours/, /took 670 s/]],
    ['the run that worked is not indexed', [/no word of job 12003773/, /13555 s/]],
    ['nor is the FP8 job', [/no word of job 11970348/]],
    [
      'nothing proves that the model was saved',
      [/not-evidenced log-coverage/, /save/, /FP8\.log: unknown/],
    ],
    ['grep -c "Quantizing layer"', [/recipe/, /Quantizing layer/, /0 of 30 lines/, /vacuous/]],
    ['grep "Saving"', [/recipe/, /"Saving"/, /0 of 30 lines/]],
    ['grep "Model loaded"', [/recipe/, /Model loaded/, /0 of 13672 lines/, /vllm_gpu3\.log/]],
    ['grep -E "mean|std|WARNING"', [/recipe/, /mean\|std\|WARNING/, /0 of 11 lines/]],
    [
      'paths are elsewhere',
      [/suspicious file-reference/, /dequantize_FP8\/dequant_FP8\.log is dequantization/],
    ],
    [
      'load_balancer.log is not there',
      [/not-evidenced file-reference/, /server\/load_balancer\.log/],
    ],
    [
      'dates and job ids are dashes',
      [/not-evidenced placeholder/, /6 of 16 cells/, /Job ID, Date/],
    ],
    ['which "match HPC records"', [/not-evidenced placeholder/, /Authenticity/]],
    [
      'the stderr of another job',
      [/refuted log-coverage/, /13282 s/, /fits quantization\/quantize_INT4\.log/],
    ],
    ['3.1 M tokens', [/refuted log-coverage/, /123 × 8192 = 1007616/]],
  ])('%s', (_, parts) => expectTold(findings, parts));

  it('the misread encoding is mended and said', async () => {
    const [file] = await audited([seed('000')]);
    expect(file?.encoding).toMatch(/macintosh/);
  });
});

describe.skipIf(!present)('seed 001, a baseline log', () => {
  let file: AuditedDocument | undefined;
  beforeAll(async () => {
    [file] = await audited([seed('001')]);
  });

  it('7 models are 7 runs over 4', () => {
    expectTold(file?.findings ?? [], [/refuted count-of-names/, /7 entries name 4 distinct/]);
  });
  it('GB are GiB', () => {
    expectTold(file?.findings ?? [], [/weights-in-memory/, /15\.49/, /16\.06 GB/, /unit is GiB/]);
  });
  it('implausible perplexity and token accuracy', () => {
    expectTold(file?.findings ?? [], [/suspicious implausible/, /Perplexity 1\.2004/, /1\.0251/]);
    expectTold(file?.findings ?? [], [/suspicious implausible/, /Token Accuracy/, /99\.44/]);
  });
  it('right: all seven exp(loss) pairs, and nothing else is said', () => {
    expect(heldBy(file, 'perplexity-loss')).toBe(7);
    const checks = new Set((file?.findings ?? []).map((f) => f.check));
    expect([...checks].sort()).toEqual(['count-of-names', 'implausible', 'weights-in-memory']);
  });
  it('with its manifests and summaries: what it says is recorded is null; speeds drift', async () => {
    const runs = join(corpus, 'baseline-runs');
    const results = readdirSync(runs, { recursive: true, encoding: 'utf8' })
      .filter((name) => /smoke\/\w+\.json$/.test(name))
      .sort();
    const files = await audited([seed('001'), ...results.map((name) => join(runs, name))]);
    const findings = findingsOf(files);
    expectTold(findings, [
      /refuted claimed-provenance/,
      /Git SHA recording/,
      /git_sha is null in 8 of 8/,
    ]);
    expectTold(findings, [/not-evidenced claimed-prov/, /Tokenizer/, /tokenizer_hash is null/]);
    expectTold(findings, [/repeat-speed/, /phi-3-mini/, /23\.8 % apart/]);
    expectTold(findings, [/repeat-speed/, /llama-3\.1-8b/, /2\.7 % apart/]);
    expect(findings.filter((f) => f.check === 'conflicting-sources')).toEqual([]);
  });
  it('its manifests: null revisions, and their perplexities hold', async () => {
    const dir = join(corpus, 'baseline-runs/3494e70b/meta-llama__Llama-3.1-8B/smoke');
    const [manifest] = await audited([join(dir, 'manifest.json')]);
    expectTold(manifest?.findings ?? [], [/placeholder/, /revision, tokenizer_hash, git_sha/]);
    expect(heldBy(manifest, 'perplexity-loss')).toBe(1);
  });
});

describe.skipIf(!present)('seed 002 and its routing trace', () => {
  let findings: AuditFinding[] = [];
  let files: AuditedDocument[] = [];
  beforeAll(async () => {
    const moe = join(corpus, 'moe-routing');
    files = await audited([seed('002'), join(moe, 'moe_routes.jsonl'), join(moe, 'timing.json')]);
    findings = findingsOf(files);
  });

  it.each([
    ['dummies', [/routing-trace/, /16640 \(79\.15 %\)/]],
    ['entropy over all, in both units', [/3\.4456 bits \(2\.3883 nats\)/]],
    ['entropy without them', [/5\.8843 bits, 99\.6 % of log2\(60\) = 5\.9069/]],
    ['the experts used most', [/42 \(417\), 12 \(381\), 10 \(372\)/]],
    [
      'records are not tokens generated',
      [/refuted routing-trace/, /21024 records/, /2955 or 2930/],
    ],
    ['weights are not normalised', [/0\.0886 to 0\.7872/]],
    ['one request id', [/not-evidenced routing-trace/, /1 request id/]],
    ['not deterministic', [/same-work/, /2930/, /2955/, /0\.88 %/, /wall_time_sec: 0 %/]],
  ])('%s', (_, parts) => expectTold(findings, parts));

  it('right: log(60) ≈ 5.907 bits, and both rates of timing.json', () => {
    expect(heldBy(files[0], 'entropy')).toBe(1);
    expect(heldBy(files[2], 'throughput-time-count')).toBe(2);
  });
});

describe.skipIf(!present)('seed 003, quantization on a T4', () => {
  let files: AuditedDocument[] = [];
  let findings: AuditFinding[] = [];
  beforeAll(async () => {
    files = await audited([
      seed('003'),
      ...['baseline_benchmark_results.csv', 'results_template.csv', 'accuracy_results.csv'].map(t4),
      ...['accuracy_test_results_20250119.json', 'benchmark_verification_results.json'].map(t4),
      t4('onnx_inference_summary.json'),
    ]);
    findings = findingsOf(files);
  });

  it.each([
    ['0.52× is 0.196×', [/refuted speedup 78/, /= 0\.1963/, /10\.75 on line 47 fits/]],
    ['three baselines', [/several-baselines/, /25\.73/, /10\.75/, /28\.42/]],
    ['± s on tok/s, CV 31 %', [/refuted spread/, /28\.42/, /0\.176 s, and the spread 31 %/]],
    ['4.55× of two models', [/speedup 5/, /157\.11/, /TinyLlama/, /two things changed/]],
    ['34.53 is another model’s', [/borrowed-baseline 79/, /tinyllama/]],
    ['3/5 everywhere', [/constant-metric/, /3\/5 in all 9 rows/]],
    ['27,466 is implausible', [/implausible/, /27466/]],
    ['errors turned into results: distilgpt2', [/conflicting-sources 8/, /83\.20/, /bitsandbytes/]],
    ['errors turned into results: DialoGPT', [/refuted conflicting-sources 10/, /42375\.57/]],
  ])('%s', (_, parts) => expectTold(findings, parts));

  it('right: 0.52 beside 10.75, 4.55, 1.69, 6.8, 0.65, and every perplexity', () => {
    expect(heldBy(files[0], 'speedup')).toBe(3);
    expect(heldBy(files[1], 'speedup')).toBe(4);
    expect(heldBy(files[1], 'perplexity-loss')).toBe(4);
    expect(heldBy(files[1], 'reduction')).toBe(7);
    expect(heldBy(files[3], 'perplexity-loss')).toBe(2);
    expect(heldBy(files[4], 'perplexity-loss')).toBe(2);
    expect(heldBy(files[5], 'throughput-time-count')).toBe(1);
    expect(heldBy(files[6], 'speedup')).toBe(1);
    expect(heldBy(files[6], 'reduction')).toBe(1);
    for (const value of ['1.69', '6.8', '0.65', '50.3', '1.12', '3.30', '69.95625919281613']) {
      expect(told(findings.filter((f) => f.written.includes(` ${value} `)))).toEqual([]);
    }
  });
});

describe.skipIf(!present)('seed 004, a matrix of batch sizes', () => {
  let files: AuditedDocument[] = [];
  let findings: AuditFinding[] = [];
  const variants = [
    'none',
    'bitsandbytes',
    'bitsandbytes_flash',
    'none_flash',
    'none_flash_backup',
  ];
  beforeAll(async () => {
    files = await audited([seed('004'), ...variants.map(matrix)]);
    findings = findingsOf(files);
  });

  it.each([
    ['missing cells', [/planned-matrix/, /12 of 20/, /no batch size 4/, /awq: none; gptq: none/]],
    ['endpoint results', [/file-reference/, /results\/experiments\/none\//]],
    ['a form', [/not-evidenced placeholder/, /form that was not filled in/]],
    ['the duplicate', [/duplicate/, /none_flash_backup.*byte for byte.*none_flash/]],
    ['p99 of 32', [/percentile-support/, /over 32 latencies/, /maximum in disguise/]],
  ])('%s', (_, parts) => expectTold(findings, parts));

  it('right: every rate, time and count, every loop of batches', () => {
    for (const file of files.slice(1)) {
      expect(heldBy(file, 'throughput-time-count')).toBe(4);
      expect(heldBy(file, 'batch-loop')).toBe(4);
    }
    expect(findings.filter((f) => f.severity === 'refuted')).toEqual([]);
  });
});

describe.skipIf(!present)('task statistics', () => {
  it('38 of 433 are in no category of one file; the others add up', async () => {
    const dir = join(corpus, 'slurm-vllm-thesis/statistics');
    const files = await audited(readdirSync(dir).map((name) => join(dir, name)));
    const findings = findingsOf(files);
    expect(findings).toHaveLength(1);
    expectTold(findings, [/refuted sum/, /38 of 433/]);
    expect(files.map((f) => heldBy(f, 'sum')).sort()).toEqual([13, 13, 13, 8]);
  });
});
