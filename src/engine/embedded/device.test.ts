import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adapterError, isDeviceLost, isSoftwareAdapter, missingLibraries } from './device.ts';

const REFUSAL =
  'Error: webgpu_context.cc:136 adapter_result.status == Success was false. Failed to get a ' +
  'WebGPU adapter: No supported adapters';

describe('no GPU', () => {
  test('one line names what is missing on Linux', () => {
    const missing = ['libvulkan1', 'libgl1'];
    const error = adapterError(REFUSAL, { platform: 'linux', missing });
    expect(error).toMatchObject({
      code: 'EngineError',
      exitCode: 4,
      message: 'no GPU adapter was found for --device webgpu, which needs libvulkan1, libgl1',
    });
    expect(error!.hint).toMatch(/apt-get install libvulkan1 libgl1.*--device cpu/);
  });

  test('with every library there it is the driver', () => {
    const error = adapterError(REFUSAL, { platform: 'linux', missing: [] });
    expect(error!.message).toBe('no GPU adapter was found for --device webgpu');
    expect(error!.hint).toMatch(/Vulkan driver.*--device cpu/);
  });

  test('other platforms have no such packages', () => {
    const error = adapterError(REFUSAL, { platform: 'darwin', missing: [] });
    expect(error!.hint).toBe('Install a driver, or use --device cpu.');
  });

  test('other errors are not about it', () => {
    expect(adapterError('Load model failed: bad node')).toBeNull();
  });

  test('libraries are looked for in folders', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-libraries-test-'));
    for (const file of ['libvulkan.so.1', 'libX11.so.6']) writeFileSync(join(folder, file), '');
    expect(missingLibraries([folder])).toEqual(['libgl1', 'libegl1', 'libglvnd0', 'libxext6']);
    rmSync(folder, { recursive: true });
  });
});

test('a lost device is told from other failures', () => {
  expect(isDeviceLost('Error: WebGPU device lost (2): reset')).toBe(true);
  expect(isDeviceLost('Device is lost.')).toBe(true);
  expect(isDeviceLost('vkQueueSubmit failed with VK_ERROR_DEVICE_LOST')).toBe(true);
  expect(isDeviceLost('Non-zero status code returned while running Add node')).toBe(false);
});

test('an adapter on a machine without any GPU is software', () => {
  const files =
    (...there: string[]) =>
    (path: string) =>
      there.includes(path);
  expect(isSoftwareAdapter(files(), 'linux')).toBe(true);
  expect(isSoftwareAdapter(files('/dev/nvidiactl'), 'linux')).toBe(false);
  expect(isSoftwareAdapter(files('/dev/dri/renderD128'), 'linux')).toBe(false);
  expect(isSoftwareAdapter(files(), 'darwin')).toBe(false);
});
