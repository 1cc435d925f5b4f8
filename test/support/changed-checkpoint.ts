/** Copies of a checkpoint with other tensors or another config: what strangers hand in. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/safetensors-write.ts';

export interface QuantizedConfig {
  quantization_config?: {
    weight_block_size?: number[];
    group_size?: number;
    ignore?: string[];
    config_groups?: { group_0: { input_activations: unknown } };
  };
}

export interface CheckpointChange {
  /** null leaves the tensor out. */
  readonly tensor?: (tensor: TensorToWrite) => TensorToWrite | null;
  readonly config?: (config: QuantizedConfig) => void;
}

/** `from` has one `model.safetensors`; `to` is written over it. */
export function changedCheckpoint(from: string, to: string, change: CheckpointChange): string {
  cpSync(from, to, { recursive: true });
  const path = join(to, 'model.safetensors');
  if (change.tensor !== undefined) {
    const file = openSafetensors(path);
    const tensors = file.names.map((name) => ({ ...file.info(name), data: file.read(name) }));
    file.close();
    writeSafetensors(
      path,
      tensors.map(change.tensor).filter((tensor) => tensor !== null),
    );
  }
  const config = join(to, 'config.json');
  if (change.config !== undefined) {
    const before = JSON.parse(readFileSync(config, 'utf8'));
    change.config(before);
    writeFileSync(config, JSON.stringify(before));
  }
  return to;
}

/** Changes the bytes of the one tensor of this name. */
export const onlyTensor =
  (name: string, change: (data: Uint8Array) => Uint8Array) =>
  (tensor: TensorToWrite): TensorToWrite =>
    tensor.name === name ? { ...tensor, data: change(tensor.data) } : tensor;
