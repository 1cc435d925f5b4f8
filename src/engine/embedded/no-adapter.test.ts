import { expect, test } from 'vitest';
import { EngineError } from '../../record/errors.ts';
import { GpuTensors } from './gpu-tensors.ts';
import { loadRuntime } from './runtime.ts';

/** The Vulkan loader reads this when the first adapter is asked for, and then finds no driver. */
const OFF = '/nonexistent/icd.json';

test.skipIf(process.platform !== 'linux')('a machine without a driver is told so', async () => {
  process.env.VK_DRIVER_FILES = OFF;
  process.env.VK_ICD_FILENAMES = OFF;
  const opened = GpuTensors.open(await loadRuntime(), { compute: 'f32', vocabSize: 8 });
  const error = await opened.catch((cause) => cause);
  expect(error).toBeInstanceOf(EngineError);
  expect(error.message).toMatch(/^no GPU adapter was found for --device webgpu/);
  expect(error.hint).toMatch(/--device cpu/);
});
