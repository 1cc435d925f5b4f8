/** Real logs of one thesis, with what is true of them, read when the corpus is there. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { indexLogs } from '../../src/logs/index-logs.ts';
import type { LogFile } from '../../src/logs/log-index.ts';

const corpus = resolve(import.meta.dirname, '../../../shared/corpus/slurm-vllm-thesis');
const smi = resolve(import.meta.dirname, '../../../shared/nvidia-smi');
const present = existsSync(corpus) && existsSync(smi);
if (!present) console.log('skipped: ../shared/corpus is not there');

const index = present ? await indexLogs(corpus) : null;
const file = (path: string): LogFile => {
  const found = index?.files.find((file) => file.path === path);
  if (!found) throw new Error(`${path} is not in the index`);
  return found;
};
const fact = (path: string, name: string) => file(path).facts[name]?.value;

describe.skipIf(!present)('logs of quantization jobs', () => {
  it.each([
    ['quantization/quantize_FP8.log', '11970348', 322, 'epilog', 'unknown'],
    ['quantization/quantize_AWQ_INT4_12001782.log', '12001782', 70, 'epilog', 'failed'],
    ['quantization/quantize_AWQ_INT4_12001782.err', '12001782', 70, 'paired-log', 'failed'],
    ['quantization/quantize_INT4.log', '12003773', 13_555, 'epilog', 'succeeded'],
    ['dequantization/raw_dequant_12041842.log', '12041842', 414, 'epilog', 'succeeded'],
    ['dequantization/dequant_FP8.log', null, 670, 'progress', 'succeeded'],
  ])('%s', (path, jobId, durationS, durationFrom, outcome) => {
    expect(file(path)).toMatchObject({ jobId, durationS, durationFrom, outcome });
  });

  it('a job that crashed is failed by its stderr, whatever its banner says', () => {
    const { outcomeEvidence } = file('quantization/quantize_AWQ_INT4_12001782.log');
    expect(outcomeEvidence).toMatchObject({
      path: 'quantization/quantize_AWQ_INT4_12001782.err',
      line: 8,
    });
    expect(outcomeEvidence?.text).toMatch(/^ImportError: cannot import name 'AWQModifier'/);
    expect(file('quantization/quantize_FP8.log').outcomeReason).toContain('void');
  });

  it('a stderr of 13,282 s is not that of a job of 322 s; it fits one of 13,555 s', () => {
    expect(index?.pairs.find(({ stderr }) => stderr.endsWith('quantize_FP8.err'))).toMatchObject({
      ...{ stdout: 'quantization/quantize_FP8.log', verdict: 'refuted' },
      fits: 'quantization/quantize_INT4.log',
    });
    const err = file('quantization/quantize_FP8.err');
    expect(err).toMatchObject({ bytes: 1_056_140, lines: 211, segments: 13_478 });
    expect(err.bars.reduce((sum, bar) => sum + bar.elapsedS, 0)).toBe(13_282);
    expect(err.bars.find(({ name }) => name === 'Smoothing')?.elapsedS).toBe(10_495);
    expect(fact(err.path, 'llm-compressor.stages')).toBe(65);
    expect(fact(err.path, 'llm-compressor.modulesCompressed')).toBe(448);
  });

  it('counts what the scripts print', () => {
    const path = 'dequantization/dequant_FP8.log';
    expect(fact(path, 'plain.Quantized Layers Processed')).toBe(448);
    expect(fact(path, 'plain.Standard Layers Copied')).toBe(259);
    expect(fact('quantization/quantize_FP8.log', 'plain.count.samples')).toBe(123);
    expect(fact('quantization/quantize_FP8.log', 'plain.truncatedTo')).toBe(8192);
  });
});

describe.skipIf(!present)('the log of a vLLM server', () => {
  const path = 'server/vllm_gpu0.log';

  it('is a file of 13,672 lines whose stamps have no year', () => {
    expect(file(path)).toMatchObject({
      ...{ bytes: 2_552_152, lines: 13_672, startedAt: '2025-12-18T03:13:09' },
      yearFrom: 'line 51',
    });
  });

  it.each([
    ['access-log.served', 7747],
    ['access-log.requests.POST /v1/chat/completions', 7747],
    ['vllm.readyAfter', 1206],
    ['vllm.engineInit', 1027.19],
    ['vllm.modelMemory', 36.0516],
    ['vllm.kvCache', 169_344],
    ['vllm.maxConcurrency', 2.58],
    ['vllm.kvUse.max', 100],
    ['vllm.running.max', 23],
    ['vllm.waiting.max', 19],
    ['vllm.statistics', 4363],
  ])('%s is %d', (name, value) => {
    expect(fact(path, name)).toBe(value);
  });
});

describe.skipIf(!present)('readings of a GPU', () => {
  it('are a log by their content', async () => {
    const { files } = await indexLogs(smi);
    const busy = files.find(({ path }) => path === 'nvsmi_busy.csv');
    expect(busy?.facts).toMatchObject({
      'nvidia-smi.gpu': { value: 'NVIDIA H200' },
      'nvidia-smi.memoryTotal.max': { value: 143_771, unit: 'MiB' },
    });
  });
});
