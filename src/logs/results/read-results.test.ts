import { describe, expect, it } from 'vitest';
import { gapsOf } from './gaps.ts';
import { readResults } from './read-results.ts';

const json = (value: unknown) => readResults({ path: 'r.json', text: JSON.stringify(value) });
const brief = (results: ReturnType<typeof readResults>) =>
  results.map((r) => [
    r.tool,
    r.model,
    r.scheme,
    r.settings,
    r.metrics.map((m) => [m.name, m.value]),
  ]);

describe('formats', () => {
  it('vllm bench serve, with the samples of the TTFT', () => {
    const results = json({
      date: '20260301-101010',
      backend: 'vllm',
      model_id: 'acme/A',
      num_prompts: 2,
      request_rate: 'inf',
      duration: 2.5,
      completed: 2,
      total_output_tokens: 100,
      request_throughput: 0.8,
      output_throughput: 40,
      mean_ttft_ms: 150,
      ttfts: [0.1, 0.2],
    });
    expect(results[0]).toMatchObject({
      tool: 'vllm-bench',
      model: 'acme/A',
      settings: { backend: 'vllm', request_rate: 'inf', num_prompts: 2 },
    });
    const ttft = results[0]?.metrics.find((m) => m.name === 'ttftMean');
    expect(ttft).toMatchObject({
      value: 150,
      unit: 'ms',
      place: 'mean_ttft_ms',
      samples: [100, 200],
    });
  });

  it('vllm bench: whatever percentiles its user chose, failures beside them, samples of the rest', () => {
    const [result] = json({
      model_id: 'acme/A',
      completed: 2,
      failed: 1,
      request_throughput: 0.8,
      request_goodput: null,
      mean_ttft_ms: 150,
      'p99.9_tpot_ms': 12,
      std_itl_ms: 1,
      mean_e2el_ms: 1500,
      latencies: [1, 9, 2],
      ttfts: [0.1, 0, 0.2],
      errors: ['', 'Connection reset', ''],
    });
    expect(result?.metrics.map((m) => [m.name, m.value, m.samples])).toEqual([
      ['requestsPerSecond', 0.8, undefined],
      ['completed', 2, undefined],
      ['failed', 1, undefined],
      ['ttftMean', 150, [100, 200]],
      ['tpotP99.9', 12, undefined],
      ['itlStd', 1, undefined],
      ['e2eMean', 1500, [1000, 2000]],
    ]);
  });

  it('vllm bench without details does not tell which of its latencies failed', () => {
    const file = { completed: 1, failed: 1, request_throughput: 1, mean_e2el_ms: 1000 };
    const [result] = json({ ...file, latencies: [1, 5] });
    expect(result?.metrics.find((m) => m.name === 'e2eMean')).not.toHaveProperty('samples');
  });

  it('nothing that was completed is an error, not a latency of 0', () => {
    const none = { completed: 0, failed: 9, request_throughput: 0, mean_ttft_ms: 0 };
    expect(json(none)).toMatchObject([{ error: 'no request was completed', metrics: [] }]);
    const text =
      'Type,Name,Request Count,Failure Count,Average Response Time\n,Aggregated,0,0,0.0\n';
    const locust = readResults({ path: 'r.csv', text });
    expect(locust).toMatchObject([{ error: 'no request was made', metrics: [] }]);
  });

  it('an object a line: runs that were appended, and those of llama-bench', () => {
    const run = (rate: number): string =>
      JSON.stringify({ completed: 1, request_throughput: rate, request_rate: rate });
    const appended = readResults({ path: 'r.json', text: `${run(1)}\n${run(2)}` });
    expect(appended.map((r) => [r.settings, r.metrics[0]?.place])).toEqual([
      [{ request_rate: 1 }, 'line 1: request_throughput'],
      [{ request_rate: 2 }, 'line 2: request_throughput'],
    ]);
    const bench = (n: number): string =>
      JSON.stringify({ model_type: 'llama 7B Q4_0', n_prompt: n, avg_ts: n, samples_ts: [n] });
    const rows = readResults({ path: 'r.jsonl', text: `${bench(128)}\n${bench(512)}\n` });
    expect(rows.map((r) => r.settings)).toEqual([{ n_prompt: 128 }, { n_prompt: 512 }]);
    expect(() => readResults({ path: 'r.json', text: '{"a": 1\n' })).toThrow('is not JSON');
  });

  it('llama-bench as CSV', () => {
    const text =
      'model_filename,model_type,n_prompt,n_gen,avg_ts,stddev_ts\n' +
      '"m/a.gguf","llama 7B Q8_0","512","0","101.5","1.4"\n';
    expect(readResults({ path: 'r.csv', text })).toMatchObject([
      { model: 'a.gguf', scheme: 'Q8_0', settings: { n_prompt: 512, n_gen: 0 } },
    ]);
  });

  it('a batch matrix as a wide table: a variant a group of columns', () => {
    const text =
      'Batch Size,AWQ Throughput,AWQ P95 Latency,NONE Throughput\n1,9.5,113,40\n8,61,,\n';
    const results = readResults({ path: 'r.csv', text });
    expect(brief(results)).toEqual([
      [
        ...['batch-matrix', 'unstated', 'awq'],
        { batchSize: 1 },
        [
          ['throughput', 9.5],
          ['latencyP95', 113],
        ],
      ],
      [...['batch-matrix', 'unstated', 'none'], { batchSize: 1 }, [['throughput', 40]]],
      [...['batch-matrix', 'unstated', 'awq'], { batchSize: 8 }, [['throughput', 61]]],
    ]);
  });

  it('one reading of a GPU, as JSON with texts and as CSV', () => {
    const reading = { gpu_name: 'Card 4', memory_total_mib: '15360', power_draw: '9.07' };
    const csv =
      'gpu_name,memory_total_mib,power_draw_w,test_timestamp\nCard 4,15360,9.07,2026-03-01\n';
    const settings = { gpu: 'Card 4' };
    const metrics = [
      ['memoryTotal', 15_360],
      ['powerDraw', 9.07],
    ];
    const expected = [['gpu-reading', 'unstated', 'unstated', settings, metrics]];
    expect(brief(json(reading))).toEqual(expected);
    expect(brief(readResults({ path: 'r.csv', text: csv }))).toEqual(expected);
    expect(() => json({ gpu_name: 'Card 4', note: 'x' })).toThrow('no format that is known');
  });

  it('lm-eval: tasks, filters, standard errors, counts', () => {
    const results = json({
      results: {
        gsm8k: {
          alias: 'gsm8k',
          'exact_match,strict-match': 0.329,
          'exact_match_stderr,strict-match': 0.0269,
          'acc,none': 0.5,
        },
      },
      'n-samples': { gsm8k: { original: 1319, effective: 300 } },
      config: { model: 'hf', model_args: 'pretrained=acme/A,dtype=float16', num_fewshot: 5 },
      date: 1_740_000_000,
    });
    expect(brief(results)).toEqual([
      [
        'lm-eval',
        'acme/A',
        'float16',
        { task: 'gsm8k', num_fewshot: 5 },
        [
          ['exact_match.strict-match', 0.329],
          ['exact_match_stderr.strict-match', 0.0269],
          ['acc', 0.5],
          ['items', 300],
        ],
      ],
    ]);
  });

  it('lm-eval 0.4.13: arguments as an object, shots by task', () => {
    const [result] = json({
      results: { toy: { alias: 'toy', 'acc,none': 0.3 } },
      config: { model: 'hf', model_args: { pretrained: 'acme/A', dtype: 'bfloat16' } },
      'n-shot': { toy: 5 },
      model_name: 'acme__A',
    });
    expect(result).toMatchObject({
      model: 'acme/A',
      scheme: 'bfloat16',
      settings: { task: 'toy', num_fewshot: 5 },
    });
  });

  it('llama-bench: its samples come along', () => {
    const [row] = json([
      {
        model_filename: 'models/a-Q4_0.gguf',
        model_type: 'llama 7B Q4_0',
        n_prompt: 512,
        n_gen: 0,
        avg_ts: 101,
        stddev_ts: 1.4,
        samples_ts: [100, 102],
      },
    ]);
    expect(row).toMatchObject({
      model: 'a-Q4_0.gguf',
      scheme: 'Q4_0',
      settings: { n_prompt: 512 },
    });
    expect(row?.metrics[0]?.samples).toEqual([100, 102]);
  });

  it('GuideLLM 0.8: counts, the time, and the samples that it keeps', () => {
    const successful = [0.25, 0.75].map((request_latency) => ({ request_latency }));
    const metrics = {
      request_totals: { successful: 2, errored: 1, incomplete: 0, total: 3 },
      request_latency: { successful: { mean: 0.5, count: 2 } },
    };
    const benchmark = { start_time: 1_795_963_741.5, requests: { successful }, metrics };
    const [result] = json({ benchmarks: [benchmark] });
    expect(result?.measuredAt).toBe('2026-11-29T14:49:01.500Z');
    expect(result?.metrics.map((m) => [m.name, m.value, m.samples])).toEqual([
      ['completed', 2, undefined],
      ['failed', 1, undefined],
      ['incomplete', 0, undefined],
      ['e2eMean', 0.5, [0.25, 0.75]],
    ]);
    const sampled = { ...benchmark, requests: { successful: successful.slice(1) } };
    expect(json({ benchmarks: [sampled] })[0]?.metrics.at(-1)).not.toHaveProperty('samples');
  });

  it('GuideLLM: means and percentiles of what succeeded', () => {
    const [result] = json({
      benchmarks: [
        {
          args: { strategy: { type_: 'constant', rate: 4 }, backend: { model: 'acme/A' } },
          metrics: {
            time_to_first_token_ms: {
              successful: { mean: 50, median: 48, percentiles: { p95: 80, p99: 90 } },
              errored: { mean: 1 },
            },
          },
        },
      ],
    });
    expect(brief([result!])).toEqual([
      [
        'guidellm',
        'acme/A',
        'unstated',
        { benchmark: 0, type_: 'constant', rate: 4 },
        [
          ['ttftMean', 50],
          ['ttftP50', 48],
          ['ttftP95', 80],
          ['ttftP99', 90],
        ],
      ],
    ]);
  });

  it('Locust: rows, and the aggregate without a type', () => {
    const text =
      'Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Requests/s,95%,99%\n' +
      'POST,/v1/completions,30,1,29,29.5,3.1,40,50\n,Aggregated,30,1,29,29.1,3.1,40,50\n';
    const results = readResults({ path: 'stats.csv', text });
    expect(results.map((r) => r.settings.request)).toEqual(['POST /v1/completions', 'Aggregated']);
    expect(results[1]?.metrics.find((m) => m.name === 'latencyMean')?.value).toBe(29.1);
  });

  it('a batch matrix keeps variants apart by their flag', () => {
    const row = { batch_size: 1, throughput: 9, quantization: 'none', model_id: 'acme/A' };
    const results = json([row, { ...row, flash_attention: true, throughput: 12 }]);
    expect(results.map((r) => r.settings)).toEqual([
      { batchSize: 1 },
      { batchSize: 1, flashAttention: true },
    ]);
  });

  it('baseline manifests, summaries, accuracy lists with errors, speed tests', () => {
    const manifest = {
      model_id: 'acme/A',
      dtype: 'bf16',
      baseline: 'smoke',
      results: { 'wiki@1024': { metrics: { loss: 1.5, perplexity: 4.48, tok_per_sec: 900 } } },
      peak_vram_gb: 3.5,
    };
    expect(brief(json(manifest))[0]?.[3]).toEqual({ dataset: 'wiki@1024', budget: 'smoke' });
    expect(json({ model_id: 'acme/A', best_ppl: 4.48, best_acc: 0.5 })[0]?.tool).toBe(
      'baseline-summary',
    );
    const list = json([
      { model_name: 'A', precision: 'FP16', perplexity: 4, avg_loss: 1.386 },
      { model_name: 'A', precision: 'INT8', error: 'no kernel' },
    ]);
    expect(list.map((r) => [r.error, r.metrics.length])).toEqual([
      [null, 2],
      ['no kernel', 0],
    ]);
    const speed = { model_name: 'A', device: 'cuda', speed_metrics: { tokens_per_second: 25.7 } };
    expect(json(speed)[0]?.metrics).toMatchObject([{ place: 'speed_metrics.tokens_per_second' }]);
  });

  it.each([
    ['{"a": 1}', 'of no format that is known'],
    ['[]', 'of no format that is known'],
    ['{"a":', 'is not JSON'],
  ])('%s: one clear line', (text, says) => {
    expect(() => readResults({ path: 'r.json', text })).toThrow(says);
  });
});

it('doubles and gaps are named', () => {
  const row = (batch: number, method: string, rate: number) => ({
    batch_size: batch,
    throughput: rate,
    quantization: method,
    model_id: 'A',
  });
  const entries = json([
    row(1, 'none', 9),
    row(8, 'none', 20),
    row(1, 'awq', 12),
    row(1, 'none', 9),
  ]).map((result) => ({ result }));
  const { duplicates, missing } = gapsOf(entries);
  expect(duplicates).toEqual([{ copy: entries[3], of: entries[0] }]);
  expect(missing).toEqual(['A, awq: batch size 8']);
});
