/**
 * The figures of docs/GPU.md. Every model, scheme and device runs in a process of its own, one
 * after another.
 *
 *   npx tsx benchmarks/gpu/gpu.ts golden FOLDER webgpu f32
 *   npx tsx benchmarks/gpu/gpu.ts stories FOLDER webgpu f32
 *   npx tsx benchmarks/gpu/gpu.ts speed MODEL SCHEME DEVICE BATCHES ROUNDS int8|f32
 */
import type { Compute, Device } from '../../src/engine/embedded/device.ts';
import { printMachine } from '../machine.ts';
import { printGolden } from './golden.ts';
import { printSpeed } from './speed.ts';
import { printStories } from './stories.ts';

const [command, what = '', ...rest] = process.argv.slice(2);
printMachine();
if (command === 'golden') {
  const [device = 'webgpu', compute = 'f32'] = rest;
  await printGolden(what, { device: device as Device, compute: compute as Compute });
} else if (command === 'stories') {
  const [device = 'webgpu', ...schemes] = rest;
  await printStories(what, { device: device as Device, schemes });
} else {
  const [
    scheme = 'f32',
    device = 'webgpu',
    batches = '1,8,32',
    rounds = '3',
    activations = 'int8',
  ] = rest;
  await printSpeed({
    ...{ model: what, scheme, device: device as Device, rounds: Number(rounds) },
    batches: batches.split(',').map(Number),
    activations: activations === 'f32' ? 'f32' : 'int8',
  });
}
