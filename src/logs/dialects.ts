/** All dialects. A file may speak several. */
import type { Dialect } from './dialect.ts';
import { accessLog } from './dialects/access-log.ts';
import { cudaOom } from './dialects/cuda-oom.ts';
import { guideLlm } from './dialects/guidellm.ts';
import { huggingFace } from './dialects/huggingface.ts';
import { llamaCpp } from './dialects/llama-cpp.ts';
import { llmCompressor } from './dialects/llm-compressor.ts';
import { lmEval } from './dialects/lm-eval.ts';
import { loadBalancer } from './dialects/load-balancer.ts';
import { locust } from './dialects/locust.ts';
import { nvidiaSmi } from './dialects/nvidia-smi.ts';
import { plain } from './dialects/plain.ts';
import { pythonTraceback } from './dialects/python-traceback.ts';
import { autoAwq, autoRound, gptqModel } from './dialects/quantizers.ts';
import { slurm } from './dialects/slurm.ts';
import { torchrun } from './dialects/torchrun.ts';
import { tqdm } from './dialects/tqdm.ts';
import { vllm } from './dialects/vllm.ts';
import { vllmBench } from './dialects/vllm-bench.ts';

export const DIALECTS: readonly Dialect[] = [
  ...[slurm, vllm, accessLog, loadBalancer, llmCompressor, gptqModel, autoAwq, autoRound],
  ...[tqdm, huggingFace, torchrun, pythonTraceback, cudaOom, nvidiaSmi, locust, llamaCpp],
  ...[lmEval, vllmBench, guideLlm, plain],
];

/** What any text may hold: alone they do not make a file a log. */
const WEAK = new Set(['plain', 'load-balancer', 'huggingface']);

export function isStrong(dialect: string): boolean {
  return !WEAK.has(dialect);
}
