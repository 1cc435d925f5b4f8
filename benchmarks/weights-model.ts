/** A checkpoint where only the size counts: the matrices of Llama 3 8B, dummy weights. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { layOutSafetensors } from '../src/weights/safetensors-write.ts';

const MATRICES = [
  ['self_attn.q_proj', 4096, 4096],
  ['self_attn.k_proj', 1024, 4096],
  ['self_attn.v_proj', 1024, 4096],
  ['self_attn.o_proj', 4096, 4096],
  ['mlp.gate_proj', 14336, 4096],
  ['mlp.up_proj', 14336, 4096],
  ['mlp.down_proj', 4096, 14336],
] as const;

/** 8 MiB of BF16, normal with σ = 0.02, from a seed. */
function noise(): Uint8Array {
  const codes = new Uint16Array(2 ** 22);
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  let state = 12_345;
  for (let i = 0; i < codes.length; i++) {
    let sum = 0;
    for (let j = 0; j < 12; j++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      sum += state / 2 ** 32 - 0.5;
    }
    single[0] = sum * 0.02;
    codes[i] = (bits[0] as number) >>> 16;
  }
  return new Uint8Array(codes.buffer);
}

/** One file of about `gib`, in whole layers. @returns its bytes */
export function writeDummyCheckpoint(dir: string, gib: number): number {
  const layer = 2 * MATRICES.reduce((sum, [, rows, cols]) => sum + rows * cols, 0);
  const layers = Math.max(1, Math.round((gib * 2 ** 30) / layer));
  const tensors = Array.from({ length: layers }, (_, i) =>
    MATRICES.map(([name, rows, cols]) => ({
      name: `model.layers.${i}.${name}.weight`,
      dtype: 'BF16' as const,
      shape: [rows, cols],
    })),
  ).flat();
  mkdirSync(dir, { recursive: true });
  const config = { model_type: 'llama', torch_dtype: 'bfloat16' };
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
  const { header, fileBytes } = layOutSafetensors(tensors, { format: 'pt' });
  const fd = openSync(join(dir, 'model.safetensors'), 'w');
  const bytes = noise();
  for (let at = writeSync(fd, header); at < fileBytes; ) {
    at += writeSync(fd, bytes, 0, Math.min(bytes.length, fileBytes - at));
  }
  closeSync(fd);
  return fileBytes;
}
