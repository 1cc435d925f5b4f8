/** Where the graphs run, and what to say where that cannot be. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../record/errors.ts';

/** `webgpu`: Vulkan, Metal or D3D12 through the runtime's own WebGPU provider. */
export type Device = 'cpu' | 'webgpu';

/** What the graphs hold and multiply in; tables of the CPU keep their narrow dtypes. */
export type Compute = 'f32' | 'f16';

/** Debian's packages by the file that Dawn and the drivers load from them. */
const LIBRARIES: Readonly<Record<string, string>> = {
  'libvulkan.so.1': 'libvulkan1',
  'libGL.so.1': 'libgl1',
  'libEGL.so.1': 'libegl1',
  'libGLdispatch.so.0': 'libglvnd0',
  'libX11.so.6': 'libx11-6',
  'libXext.so.6': 'libxext6',
};
const FOLDERS = [
  '/lib',
  '/lib64',
  '/usr/lib',
  '/usr/lib64',
  '/usr/local/lib',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
];

/** Packages whose library is in none of the folders. */
export function missingLibraries(folders: readonly string[] = libraryFolders()): string[] {
  return Object.entries(LIBRARIES)
    .filter(([file]) => !folders.some((folder) => existsSync(join(folder, file))))
    .map(([, name]) => name);
}

function libraryFolders(): string[] {
  const extra = process.env.LD_LIBRARY_PATH?.split(':').filter((folder) => folder !== '') ?? [];
  return [...FOLDERS, ...extra];
}

const NO_ADAPTER = /Failed to get a WebGPU adapter/;
const LOST = /device (is |was )?lost|DeviceLost|VK_ERROR_DEVICE_LOST/i;

/** The error for a runtime without a usable GPU, or null where `message` is about another thing. */
export function adapterError(
  message: string,
  machine: { platform: string; missing: readonly string[] } = {
    platform: process.platform,
    missing: process.platform === 'linux' ? missingLibraries() : [],
  },
): EngineError | null {
  if (!NO_ADAPTER.test(message)) return null;
  const { platform, missing } = machine;
  const lacks = missing.length > 0 ? `, which needs ${missing.join(', ')}` : '';
  const driver =
    platform === 'linux' ? "the GPU's Vulkan driver (an ICD that `vulkaninfo` lists)" : 'a driver';
  const hint =
    missing.length > 0
      ? `Install them (apt-get install ${missing.join(' ')}) and ${driver}, or use --device cpu.`
      : `Install ${driver}, or use --device cpu.`;
  return new EngineError(`no GPU adapter was found for --device webgpu${lacks}`, {
    hint,
    details: { device: 'webgpu', missing: [...missing] },
  });
}

/** True where the runtime says that the GPU went away while it ran. */
export function isDeviceLost(message: string): boolean {
  return LOST.test(message);
}

/** Files of Linux kernel drivers (Direct Rendering Manager, NVIDIA, WSL). */
const GPU_FILES = ['/dev/nvidiactl', '/dev/nvidia0', '/dev/dri/renderD128', '/dev/dxg', '/dev/kfd'];

/**
 * True where Linux has no GPU at all, so that an adapter can only be a program that runs shaders on
 * the CPU (llvmpipe, SwiftShader): right results, but no GPU's speed. The runtime does not tell.
 */
export function isSoftwareAdapter(
  exists: (path: string) => boolean = existsSync,
  platform: string = process.platform,
): boolean {
  return platform === 'linux' && !GPU_FILES.some(exists);
}
