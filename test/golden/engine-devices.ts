/** The devices that can be tested here: a software adapter (llvmpipe) counts as a GPU. */
import { attentionDifference } from '../../src/engine/embedded/attention-check.ts';
import type { Device } from '../../src/engine/embedded/device.ts';
import { loadRuntime } from '../../src/engine/embedded/runtime.ts';
import { EngineError } from '../../src/record/errors.ts';

const SHAPE = { heads: 4, kvHeads: 2, headDim: 16 };

/** How far the adapter's attention is off at 80 tokens; null where there is no adapter. */
async function difference(): Promise<number | null> {
  try {
    return await attentionDifference(await loadRuntime(), SHAPE);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.log(`skipped on webgpu: ${error.message}`);
    return null;
  }
}

export const ADAPTER_DIFFERENCE = await difference();
const right = ADAPTER_DIFFERENCE !== null && ADAPTER_DIFFERENCE < 1e-3;
if (ADAPTER_DIFFERENCE !== null && !right) {
  console.log('skipped on webgpu beyond 31 tokens: this adapter computes attention wrongly there');
}

/** For sequences of fewer than 32 tokens: there every adapter has to be right. */
export const DEVICES: readonly Device[] = ADAPTER_DIFFERENCE === null ? ['cpu'] : ['cpu', 'webgpu'];
/** For sequences of any length. */
export const EXACT_DEVICES: readonly Device[] = right ? ['cpu', 'webgpu'] : ['cpu'];
