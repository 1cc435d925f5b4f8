/**
 * The library behind the command: read checkpoints, run them, read what was recorded, and compute
 * any recorded number again.
 */
export { compareRuns } from './analyze/compare.ts';
export { contrast, factorsOf, schemeConfounders } from './analyze/contrast.ts';
export { judgeFamily } from './analyze/family.ts';
export { computeMetric, FORMULAS } from './analyze/formulas.ts';
export { groupSamples } from './analyze/samples.ts';
export type {
  Engine,
  GenerateRequest,
  GenerateResult,
  ScoredWindow,
  TokenWindow,
  WithClassification,
} from './engine/engine.ts';
export { openEngine, resolveModel } from './engine/open.ts';
export { openTokenizer } from './engine/tokenizer.ts';
export { verifyLab } from './evidence/verify.ts';
export {
  AssayError,
  Cancelled,
  EngineError,
  FormatError,
  GateFailed,
  InvalidMeasurement,
  LimitError,
  TimedOut,
  UsageError,
} from './record/errors.ts';
export { findLab } from './record/lab.ts';
export { listRuns, loadRun } from './record/run-reader.ts';
export { readSamples } from './record/sample-reader.ts';
export type { Finding, Manifest, Metric, Summary } from './record/schema.ts';
export { openCheckpoint } from './weights/checkpoint.ts';
export { dequantizeMatrix, quantizeMatrix } from './weights/quantizer.ts';
export { openSafetensors } from './weights/safetensors.ts';
export { parseScheme, SCHEMES } from './weights/scheme.ts';
