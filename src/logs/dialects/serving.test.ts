/** Load generators, balancers, GPUs: what each of their lines becomes. */
import { describe, expect, it } from 'vitest';
import { scanBytes } from '../scan-file.ts';

const collect = (text: string) => scanBytes(Buffer.from(text), 'x.log').collected;
const factsOf = (text: string) =>
  Object.fromEntries(Object.entries(collect(text).facts).map(([name, f]) => [name, f.value]));

describe('load generators', () => {
  it('vllm bench: its block of results', () => {
    const text = `============ Serving Benchmark Result ============
Successful requests:                     1,000
Benchmark duration (s):                  30.84
Total input tokens:                      215196
Request throughput (req/s):              32.42
Output token throughput (tok/s):         6420.10
---------------Time to First Token----------------
Mean TTFT (ms):                          5103.21
P99 TTFT (ms):                           9987.00
==================================================
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'vllm-bench.succeeded': 1000, 'vllm-bench.duration': 30.84 },
      ...{ 'vllm-bench.requestThroughput': 32.42, 'vllm-bench.outputThroughput': 6420.1 },
      ...{ 'vllm-bench.ttft.mean': 5103.21, 'vllm-bench.ttft.p99': 9987 },
    });
  });

  it('locust on the console: the last table is that of the whole run, percentiles follow it', () => {
    const head =
      'Type     Name                     # reqs      # fails |    Avg     Min     Max    Med |   req/s  failures/s';
    const rule = '--------|------------------------|-------|-------------|-------|-------|';
    const row = (name: string, n: number, rate: string) =>
      `${name}      ${String(n).padStart(7)}     1(3.33%) |     29      25      51     28 |    ${rate}        0.10`;
    const table = (n: number, rate: string) =>
      [
        head,
        rule,
        row('POST     /v1/x y', n, rate),
        rule,
        row('         Aggregated', n, rate),
      ].join('\n');
    const text = `[2026-03-01 10:00:00,123] host/INFO/locust.main: Starting Locust 2.47.0
${table(10, '9.99')}

${table(30, '3.10')}

Response time percentiles (approximated)
Type     Name                          50%    66%    95%   100% # reqs
--------|-----------------------|--------|------|------|------|------
POST     /v1/x y                        28     30     40     51     30
--------|-----------------------|--------|------|------|------|------
         Aggregated                     28     30     41     51     30

[2026-03-01 10:01:00,123] host/INFO/locust.main: Shutting down (exit code 1)
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'locust.POST /v1/x y.Request Count': 30, 'locust.Aggregated.Failure Count': 1 },
      ...{ 'locust.Aggregated.Requests/s': 3.1, 'locust.Aggregated.95%': 41 },
      ...{ 'locust.POST /v1/x y.Average Response Time': 29, 'locust.exitCode': 1 },
    });
  });

  it('locust: a run that was cut off has counts, but no rate: its tables show ten seconds', () => {
    const text = `Type     Name      # reqs      # fails |    Avg     Min     Max    Med |   req/s  failures/s
POST     /v1           30     0(0.00%) |     29      25      51     28 |    3.10        0.00
`;
    const facts = factsOf(text);
    expect(facts).toMatchObject({ 'locust.POST /v1.Request Count': 30 });
    expect(facts).not.toHaveProperty(['locust.POST /v1.Requests/s']);
  });

  it('locust: the aggregate has an empty type, names hold commas', () => {
    const text = `Type,Name,Request Count,Failure Count,Median Response Time,Requests/s,50%
POST,"/v1, chat",30,1,29,2.50,29
,Aggregated,30,1,29.1,2.50,29
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'locust.POST /v1, chat.Request Count': 30, 'locust.Aggregated.Failure Count': 1 },
      ...{ 'locust.Aggregated.Median Response Time': 29.1, 'locust.Aggregated.50%': 29 },
    });
  });

  it('guidellm: headers over two rows', () => {
    const text = `Benchmarks Stats:
===========================================
Metadata    | Request Stats            || TTFT (ms)     ||
  Benchmark | Per Second | Concurrency | mean  | median |
------------|------------|-------------|-------|--------|
synchronous | 0.95       | 1.00        | 41.3  | 40.9   |
throughput  | 12.5       | 64.00       | 841.3 | 740.9  |
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'guidellm.synchronous.Request Stats Per Second': 0.95 },
      ...{ 'guidellm.throughput.TTFT (ms) median': 740.9 },
    });
  });

  it('guidellm 0.8: headers over three rows, intervals and stars', () => {
    const text = `ℹ Request Latency Statistics (Completed Requests)
|==============|===========|=====|======|=============|======|========|
| Benchmark    | Request Latency      ||| TTFT                      |||
| Strategy     | Sec                  ||| ms                        |||
|              | Mean      | Mdn | p95  | Mean        | Mdn  | p95    |
|--------------|-----------|-----|------|-------------|------|--------|
| concurrent@2 | 0.1 ± 0.1 | 0.1 | 0.5* | 84.5 ± 72.7 | 30.8 | 449.1* |
|==============|===========|=====|======|=============|======|========|
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'guidellm.concurrent@2.Request Latency Sec Mean': 0.1 },
      ...{ 'guidellm.concurrent@2.TTFT ms Mean': 84.5 },
      ...{ 'guidellm.concurrent@2.TTFT ms p95': 449.1 },
    });
  });
});

describe('load balancers', () => {
  it('count the requests that went to each server', () => {
    const text = `INFO:lb:Routing request to http://localhost:8001/v1/chat/completions
[10:00:01] forwarded request 17 -> gpu-node:8002
2025-01-01 10:00:02 INFO Selected backend 10.0.0.3:8001
WARNING backend localhost:8003 is unhealthy
at 10:30 the upstream was fine
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'load-balancer.routed': 3, 'load-balancer.routed.localhost:8001': 1 },
      ...{ 'load-balancer.routed.gpu-node:8002': 1, 'load-balancer.troubles': 1 },
    });
  });
});

describe('GPUs', () => {
  it('nvidia-smi: readings with units in the cells, [N/A] is no number', () => {
    const text = `timestamp, index, name, memory.used [MiB], utilization.gpu [%], power.draw [W]
2026/11/20 04:47:07.834, 0, NVIDIA X, 100 MiB, 0 %, [N/A]
2026/11/20 04:47:08.340, 0, NVIDIA X, 22000 MiB, 98 %, [N/A]
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'nvidia-smi.readings': 2, 'nvidia-smi.memoryUsed.max': 22_000 },
      ...{ 'nvidia-smi.utilization.max': 98, 'nvidia-smi.gpu': 'NVIDIA X' },
    });
    expect(factsOf(text)).not.toHaveProperty(['nvidia-smi.power.max']);
  });

  it('nvidia-smi: the table and the XML', () => {
    const text = `| NVIDIA-SMI 550.54.14    Driver Version: 550.54.14   CUDA Version: 12.4     |
|  0%   34C    P0    70W / 700W |  81000MiB /  81559MiB |     97%      Default |
<product_name>NVIDIA X</product_name>
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'nvidia-smi.driver': '550.54.14', 'nvidia-smi.cuda': '12.4' },
      ...{ 'nvidia-smi.memoryUsed.max': 81_000, 'nvidia-smi.gpu': 'NVIDIA X' },
    });
  });

  it.each([
    [
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 270.00 MiB. GPU 1 has a total capacity of 21.98 GiB of which 100.00 MiB is free.',
      1,
    ],
    [
      'RuntimeError: CUDA out of memory. Tried to allocate 270.00 MiB. GPU 1 has a total capacty of 21.98 GiB of which 100.00 MiB is free.',
      1,
    ],
    [
      'RuntimeError: CUDA out of memory. Tried to allocate 270.00 MiB (GPU 1; 21.98 GiB total capacity; 9 GiB already allocated; 100.00 MiB free; 1 GiB reserved)',
      1,
    ],
  ])('%s', (line, gpu) => {
    expect(factsOf(line)).toMatchObject({
      ...{ 'cuda-oom.triedToAllocate': 270 * 2 ** 20, 'cuda-oom.gpu': gpu },
      ...{ 'cuda-oom.capacity': Math.round(21.98 * 2 ** 30), 'cuda-oom.free': 100 * 2 ** 20 },
    });
    expect(collect(line).signs).toMatchObject([{ outcome: 'out-of-memory' }]);
  });
});
