import { describe, expect, it } from 'vitest';
import { logFile } from '../log-file.ts';
import { scanBytes } from '../scan-file.ts';

const read = (text: string) => {
  const scan = scanBytes(Buffer.from(text), 'server.log');
  const modifiedMs = Date.UTC(2026, 0, 2);
  return logFile({ path: 'server.log', modifiedMs, scan, findings: [] }, () => null);
};
const factsOf = (text: string) =>
  Object.fromEntries(Object.entries(read(text).facts).map(([name, fact]) => [name, fact.value]));

const API = '\u001b[1;36m(APIServer pid=77)\u001b[0;0m ';
const V1 = `INFO 12-31 23:58:00 [__init__.py:216] Automatically detected platform cuda.
${API}INFO 12-31 23:58:10 [utils.py:233] non-default args: {'host': '0.0.0.0', 'model': 'org/m'}
(EngineCore_0 pid=78) INFO 12-31 23:58:20 [core.py:77] Initializing a V1 LLM engine (v0.14.1) with config: model='org/m', dtype=torch.bfloat16, quantization=fp8, seed=0
(EngineCore_0 pid=78) INFO 12-31 23:58:50 [runner.py:1] Model loading took 2.0513 GiB memory and 27.200487 seconds
(EngineCore_0 pid=78) INFO 12-31 23:59:00 [kv.py:1] GPU KV cache size: 1,131,008 tokens
(EngineCore_0 pid=78) INFO 12-31 23:59:00 [kv.py:2] Maximum concurrency for 131,072 tokens per request: 8.63x
(EngineCore_0 pid=78) INFO 12-31 23:59:30 [core.py:2] init engine (profile, create kv cache, warmup model) took 40.50 seconds
${API}INFO 01-01 00:00:10 [api_server.py:9] Starting vLLM API server 0 on http://0.0.0.0:8000
${API}INFO:     Application startup complete.
${API}INFO:     127.0.0.1:53422 - "POST /v1/chat/completions HTTP/1.1" 200 OK
${API}INFO:     127.0.0.1:53422 - "POST /v1/chat/completions?x=1 HTTP/1.1" 500 Internal Server Error
${API}INFO:     127.0.0.1:53423 - "GET /health HTTP/1.1" 200 OK
${API}INFO 01-01 00:00:20 [loggers.py:1] Engine 000: Avg prompt throughput: 1254.4 tokens/s, Avg generation throughput: 10.0 tokens/s, Running: 23 reqs, Waiting: 4 reqs, GPU KV cache usage: 4.3%, Prefix cache hit rate: 40.5%
${API}INFO 01-01 00:00:30 [loggers.py:1] Engine 000: Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: 20.0 tokens/s, Running: 2 reqs, Waiting: 9 reqs, GPU KV cache usage: 100.0%, Prefix cache hit rate: 41.0%
`;

describe('vllm V1', () => {
  it('reads start, load, KV cache and statistics through colours and process names', () => {
    expect(factsOf(V1)).toMatchObject({
      ...{ 'vllm.engine': 'V1', 'vllm.version': '0.14.1', 'vllm.model': 'org/m' },
      ...{ 'vllm.quantization': 'fp8', 'vllm.modelMemory': 2.0513, 'vllm.modelLoading': 27.200487 },
      ...{ 'vllm.kvCache': 1_131_008, 'vllm.concurrencyLength': 131_072 },
      ...{ 'vllm.maxConcurrency': 8.63, 'vllm.engineInit': 40.5, 'vllm.readyAfter': 130 },
      ...{ 'vllm.statistics': 2, 'vllm.running.max': 23, 'vllm.waiting.max': 9 },
      ...{ 'vllm.kvUse.max': 100, 'vllm.prefixHit.last': 41 },
      ...{ 'vllm.generationThroughput.mean': 15, 'vllm.promptThroughput.max': 1254.4 },
    });
  });

  it('counts requests by route and status, and work apart from health checks', () => {
    expect(factsOf(V1)).toMatchObject({
      ...{ 'access-log.requests': 3, 'access-log.served': 2, 'access-log.status.500': 1 },
      ...{ 'access-log.requests.POST /v1/chat/completions': 2 },
    });
  });

  it('finds the year that its stamps lack, over the turn of a year, and says so', () => {
    expect(read(V1)).toMatchObject({
      ...{ startedAt: '2025-12-31T23:58:00', endedAt: '2026-01-01T00:00:30', durationS: 150 },
      ...{ yearFrom: 'modification time', outcome: 'unfinished' },
      findings: [{ code: 'year-inferred' }],
    });
    const anchored = read(`2019-12-31 23:57:59,000 - INFO - tuner\n${V1}`);
    expect(anchored).toMatchObject({ endedAt: '2020-01-01T00:00:30', yearFrom: 'line 1' });
  });

  it('has succeeded when the server shut down in order, also after the error of one request', () => {
    const error = 'Traceback (most recent call last):\n  File "x"\nValueError: one request\n';
    const end = `${API}INFO 01-01 00:01:00 [launcher.py:99] Shutting down FastAPI HTTP server.\n`;
    expect(read(V1 + error + end).outcome).toBe('succeeded');
    expect(read(V1 + error).outcome).toBe('failed');
  });
});

describe('vllm V0', () => {
  it('reads its wordings', () => {
    const text = `INFO 01-05 10:00:00 llm_engine.py:237] Initializing an LLM engine (v0.6.3) with config: model='m', dtype=torch.float16
INFO 01-05 10:00:30 model_runner.py:1067] Loading model weights took 6.1138 GB
INFO 01-05 10:00:40 gpu_executor.py:122] # GPU blocks: 1381, # CPU blocks: 512
INFO 01-05 10:01:00 metrics.py:351] Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: 24.7 tokens/s, Running: 1 reqs, Swapped: 0 reqs, Pending: 3 reqs, GPU KV cache usage: 0.5%, CPU KV cache usage: 0.0%.
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'vllm.engine': 'V0', 'vllm.version': '0.6.3', 'vllm.modelMemory': 6.1138 },
      ...{ 'vllm.gpuBlocks': 1381, 'vllm.cpuBlocks': 512, 'vllm.waiting.max': 3 },
    });
  });
});
