/**
 * vLLM, engines V0 and V1: start, load, KV cache, statistics. Its stamps have no year. The memory
 * of a loaded model was called GB before it was called GiB; it was GiB all along (bytes / 2³⁰).
 */
import type { Dialect, DialectLog } from '../dialect.ts';
import type { LogLine } from '../log-line.ts';
import { findStamp, RunningClock } from '../stamps.ts';
import { StatisticsReader } from '../vllm-statistics.ts';

const INITIALIZING = /Initializing (?:a|an) (?:(V1) )?LLM engine \(v([^)]+)\) with config: (.*)/;
const API_VERSION = /vLLM API server version (\S+)/;
const ARGS = /\b(?:non-default )?args: (\{.*\}|Namespace\(.*\))/;
const MODEL = /\bmodel=(?:'([^']*)'|([^\s,]+))/;
const MODEL_LOADING = /[Mm]odel loading took ([\d.]+) Gi?B(?: memory)?(?: and ([\d.]+) seconds)?/;
const WEIGHTS_SIZE = /Loading model weights took ([\d.]+) GB/;
const WEIGHTS_TIME = /Loading weights took ([\d.]+) seconds/;
const BLOCKS = /# (?:GPU|cuda) blocks: (\d+), # CPU blocks: (\d+)/;
const BLOCKS_V1 = /num_gpu_blocks is: (\d+)/;
const KV_SIZE = /GPU KV cache size: ([\d,]+) tokens/;
const CONCURRENCY = /Maximum concurrency for ([\d,]+) tokens per request: ([\d.]+)x/;
const KV_MEMORY = /Available KV cache memory: (-?[\d.]+) GiB/;
const INIT = /init engine \([^)]{0,200}\) took ([\d.]+) s/;
const CAPTURE = /Graph capturing finished in ([\d.]+) secs, took (-?[\d.]+) GiB/;
const COMPILE = /torch\.compile takes ([\d.]+) s in total/;
const LENGTH = /Using max model len (\d+)|max_seq_len=(\d+)/;
const READY = /Starting vLLM API server|Uvicorn running on|Application startup complete/;
const SHUTDOWN = /Shutting down FastAPI HTTP server/;
const DEAD = new RegExp(
  'EngineDeadError|EngineCore encountered a fatal error|Engine core initialization failed|' +
    'Engine process .{0,40}died unexpectedly',
);
/** Settings of the engine worth a fact of their own. */
const SETTINGS = ['dtype', 'quantization', 'tensor_parallel_size', 'kv_cache_dtype', 'seed'];

export const vllm: Dialect = {
  name: 'vllm',
  needles: [
    ...['throughput: ', 'LLM engine (v', 'vLLM API', 'args: ', 'oading took', 'weights took'],
    ...[
      'GPU blocks',
      'cuda blocks',
      'gpu_blocks',
      'KV cache',
      'Maximum concurrency',
      'init engine',
    ],
    ...['Graph capturing', 'torch.compile takes', 'max model len', 'Uvicorn running'],
    ...['startup complete', 'Shutting down FastAPI'],
    'Automatically detected platform',
    ...['EngineDeadError', 'fatal error', 'Engine core init', 'died unexp'],
  ],
  open(log) {
    const clock = new RunningClock();
    const statistics = new StatisticsReader(log, clock);
    let nowS: number | null = null;
    let isStarted = false;
    return {
      skim: (line) => statistics.skim(line),
      line(line, isAlone) {
        if (statistics.line(line, isAlone)) return;
        const { text } = line;
        const stamp = findStamp(text);
        if (stamp) nowS = clock.secondsAt(stamp) ?? nowS;
        if (start(text, log, line)) isStarted = true;
        memory(text, log, line);
        life(text, log, { line, readyS: isStarted ? nowS : null });
      },
      end: () => statistics.end(),
    };
  },
};

/** True if it is vLLM that starts here: others too run uvicorn. */
function start(text: string, log: DialectLog, line: LogLine): boolean {
  const initializing = INITIALIZING.exec(text);
  if (initializing) {
    const [, v1, version, config] = initializing as unknown as string[];
    log.fact('engine', v1 === undefined ? 'V0' : 'V1', line);
    log.fact('version', version as string, line);
    const model = MODEL.exec(config as string);
    if (model) log.fact('model', model[1] ?? (model[2] as string), line);
    for (const name of SETTINGS) {
      const value = new RegExp(String.raw`\b${name}=([^\s,]+)`).exec(config as string)?.[1];
      if (value === undefined || value === 'None') continue;
      log.fact(name, /^\d+$/.test(value) ? Number(value) : value, line);
    }
    log.sign('running', 'unfinished', line);
  }
  const version = API_VERSION.exec(text)?.[1];
  if (version !== undefined) {
    log.fact('version', version, line);
    log.sign('running', 'unfinished', line);
  }
  const args = ARGS.exec(text)?.[1];
  if (args !== undefined) log.fact('args', args.slice(0, 2000), line);
  const length = LENGTH.exec(text);
  if (length) log.fact('maxModelLength', Number(length[1] ?? length[2]), line, { unit: 'tokens' });
  return initializing !== null || version !== undefined;
}

function memory(text: string, log: DialectLog, line: LogLine): void {
  const put = (name: string, match: RegExpExecArray | null, unit: string, group = 1): void => {
    const figure = match?.[group];
    if (figure !== undefined) log.fact(name, Number(figure.replaceAll(',', '')), line, { unit });
  };
  const loading = MODEL_LOADING.exec(text) ?? WEIGHTS_SIZE.exec(text);
  put('modelMemory', loading, 'GiB');
  put('modelLoading', loading, 's', 2);
  put('weightsLoading', WEIGHTS_TIME.exec(text), 's');
  const blocks = BLOCKS.exec(text);
  put('gpuBlocks', blocks ?? BLOCKS_V1.exec(text), 'blocks');
  put('cpuBlocks', blocks, 'blocks', 2);
  put('kvCache', KV_SIZE.exec(text), 'tokens');
  const concurrency = CONCURRENCY.exec(text);
  put('concurrencyLength', concurrency, 'tokens');
  put('maxConcurrency', concurrency, 'requests', 2);
  put('kvCacheMemory', KV_MEMORY.exec(text), 'GiB');
  const capture = CAPTURE.exec(text);
  put('graphCapture', capture, 's');
  put('graphMemory', capture, 'GiB', 2);
  put('compile', COMPILE.exec(text), 's');
  put('engineInit', INIT.exec(text), 's');
}

function life(
  text: string,
  log: DialectLog,
  { line, readyS }: { line: LogLine; readyS: number | null },
): void {
  if (readyS !== null && READY.test(text)) {
    log.fact('readyAfter', readyS, line, { unit: 's', from: 'difference', lines: 2 });
  }
  if (SHUTDOWN.test(text)) log.sign('final', 'succeeded', line);
  if (DEAD.test(text)) log.sign('error', 'failed', line);
}
