/** The programs that quantize and evaluate: what each of their lines becomes. */
import { describe, expect, it } from 'vitest';
import { logFile } from '../log-file.ts';
import { scanBytes } from '../scan-file.ts';

const read = (text: string) => {
  const scan = scanBytes(Buffer.from(text), 'x.log');
  return logFile({ path: 'x.log', modifiedMs: 0, scan, findings: [] }, () => null);
};
const factsOf = (text: string) =>
  Object.fromEntries(Object.entries(read(text).facts).map(([name, fact]) => [name, fact.value]));

describe('llm-compressor', () => {
  it('reads its loguru lines, metrics and stages', () => {
    const text = `2025-12-12T19:45:20.714598+0100 | reset | INFO - Compression lifecycle reset
2025-12-12T19:45:20.976852+0100 | initialize | INFO - Compression lifecycle initialized for 1 modifiers
2025-12-12T19:46:00.000000+0100 | compress | METRIC - time 1.50s
2025-12-12T19:46:00.000000+0100 | compress | METRIC - error 77.41
2025-12-12T19:46:02.000000+0100 | compress | METRIC - time 2.25s
2025-12-12T19:46:02.000000+0100 | compress | METRIC - error 12.00
(60/81): Calibrating: 100%|██████████| 512/512 [00:20<00:00, 25.1it/s]
Compressing model: 448it [04:30,  1.66it/s]
2025-12-12T23:21:40.510960+0100 | post_process | WARNING - Optimized model is not saved. To save, please provide
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'llm-compressor.modifiers': 1, 'llm-compressor.moduleTime': 3.75 },
      ...{ 'llm-compressor.error.max': 77.41, 'llm-compressor.modulesQuantized': 2 },
      ...{ 'llm-compressor.stage': 60, 'llm-compressor.stages': 81 },
      ...{ 'llm-compressor.modulesCompressed': 448, 'llm-compressor.savedByItself': false },
    });
    expect(read(text)).toMatchObject({ durationS: 12_979.796, durationFrom: 'timestamps' });
  });
});

describe('gptqmodel, autoawq, autoround', () => {
  it('reads the table of GPTQModel: colours, a narrow terminal, modules without enough samples', () => {
    const rule = 'INFO  +------+----+------+------+------+------+\n';
    const text = `${rule}\rINFO  | process | layer | module          | feat: in, out | dtype: size | loss         | samples | damp    | time  |
\r${rule}\rINFO  | gptq    | 0     | self_attn.k_proj | 2048, 512    | bf16: 2.0MB | \u001b[32m0.0053191234\u001b[0m | 1024    | 0.05000 | 1.230 |
\rINFO  | gptq    | 0     | mlp.experts.1.up | 2048, 512    | bf16: 2.0MB | rtn fallback | 3       | 0.05000 | 0.100 |
\rINFO  | gptq    | 1     | mlp.down_proj    | 8192, 2048   | bf16: 32.0MB | 0.25        | 1024    | 0.05000 | 11.234 |
\rINFO  | gptq    | 2     | sel...           | 2...         | bf...       | 0...         | 1024    | 0...    | 1...  |
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'gptqmodel.modules': 4, 'gptqmodel.layer.max': 2, 'gptqmodel.fallbacks': 1 },
      ...{ 'gptqmodel.loss.max': 0.25, 'gptqmodel.loss.sum': 0.2553191234 },
    });
  });

  it('sum what the modules lost', () => {
    const text = `INFO - {'process': 'gptq', 'layer': 5, 'module': 'mlp.up', 'loss': '0.05000'}
INFO - {'process': 'gptq', 'layer': 6, 'module': 'mlp.down_proj', 'loss': '0.15000'}
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'gptqmodel.modules': 2, 'gptqmodel.layer.max': 6, 'gptqmodel.loss.max': 0.15 },
      'gptqmodel.loss.sum': 0.2,
    });
  });

  it('read a bar that is glued to the next record', () => {
    const text = `AWQ: 100%|██████████| 32/32 [17:47<00:00, 33.37s/it]INFO - {'layer': 1, 'module': 'a', 'loss': '2.5'}\n`;
    expect(factsOf(text)).toMatchObject({ 'autoawq.layers.done': 32, 'gptqmodel.modules': 1 });
    expect(read(text).bars).toMatchObject([{ name: 'AWQ', elapsedS: 1067, complete: true }]);
  });

  it('read the losses of AutoRound', () => {
    const text =
      'quantized 7/7 layers in the block, loss iter 0: 0.117392 -> iter 179: 0.046410\n' +
      'quantization tuning time 1234.5\n';
    expect(factsOf(text)).toMatchObject({
      ...{ 'autoround.blocks': 1, 'autoround.lossBefore.max': 0.117392 },
      ...{ 'autoround.lossAfter.max': 0.04641, 'autoround.layersQuantized': 7 },
      'autoround.tuningTime': 1234.5,
    });
  });
});

describe('evaluations', () => {
  it('lm-eval: blank cells inherit from the row above, figures do not', () => {
    const text = `hf (pretrained=org/m), gen_kwargs: (None), limit: None, num_fewshot: 5, batch_size: 8
|Tasks|Version|     Filter     |n-shot|  Metric   |   |Value |   |Stderr|
|-----|------:|----------------|-----:|-----------|---|-----:|---|-----:|
|gsm8k|      3|flexible-extract|     5|exact_match|↑  |0.3290|±  |0.0269|
|     |       |strict-match    |     5|exact_match|↑  |0.3100|±  |   N/A|
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'lm-eval.gsm8k.exact_match.flexible-extract': 0.329 },
      ...{ 'lm-eval.gsm8k.exact_match.flexible-extract.stderr': 0.0269 },
      ...{ 'lm-eval.gsm8k.exact_match.strict-match': 0.31, 'lm-eval.backend': 'hf' },
    });
    expect(factsOf(text)).not.toHaveProperty(['lm-eval.gsm8k.exact_match.strict-match.stderr']);
  });

  it('llama.cpp: perplexity, timings, inf', () => {
    const text = `llm_load_print_meta: model type     = 7B
prompt eval time =   11352.50 ms / 32734 tokens (    0.35 ms per token,  2883.42 tokens per second)
       eval time =       0.00 ms /     1 runs   (    0.00 ms per token,      inf tokens per second)
| llama 7B Q4_0 | 3.56 GiB | 6.74 B | CUDA | 99 | pp512 | 2368.80 ± 93.24 |
Final estimate: PPL = 10.3475 +/- 0.42292
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'llama.cpp.perplexity': 10.3475, 'llama.cpp.perplexityError': 0.42292 },
      ...{ 'llama.cpp.promptTokens': 32_734, 'llama.cpp.promptSpeed': 2883.42 },
      ...{ 'llama.cpp.eval': 0, 'llama.cpp.bench.pp512': 2368.8, 'llama.cpp.fileType': '7B' },
    });
    expect(factsOf(text)).not.toHaveProperty(['llama.cpp.generationSpeed']);
    expect(read(text).outcome).toBe('succeeded');
  });

  it('hugging face: the trainer’s dictionaries', () => {
    const text = `***** Running training *****
  Num examples = 1,234
{'loss': 1.25, 'grad_norm': 0.5, 'learning_rate': 2e-05, 'epoch': 0.1}
{'loss': 1.05, 'grad_norm': 0.4, 'learning_rate': 1e-05, 'epoch': 0.2}
`;
    expect(factsOf(text)).toMatchObject({
      ...{ 'huggingface.examples': 1234, 'huggingface.loss': 1.05, 'huggingface.reports': 2 },
    });
  });
});
