/**
 * What vLLM would say to a checkpoint on one GPU, by the rules of its own source (2025 to 2026):
 * layers/linear.py stacks q, k, v and gate, up into one matrix; quantization/utils/fp8_utils.py
 * (validate_fp8_block_shape), utils/marlin_utils.py (verify_marlin_supports_shape), gptq_marlin.py
 * (TYPE_MAP) and compressed_tensors/compressed_tensors.py (scheme selection). More GPUs split
 * matrices and ask for more; that is not looked at.
 */
import {
  type Fp8Tensor,
  type IntTensor,
  type StoredTensor,
  storedScheme,
} from '../formats/stored-tensor.ts';
import type { LookedAt } from '../looked-at.ts';
import type { VllmComplaint } from './inspection.ts';

/** Matrices of one input that vLLM holds as one, in this order. */
const FUSED: readonly (readonly string[])[] = [
  ['q_proj', 'k_proj', 'v_proj'],
  ['gate_proj', 'up_proj'],
];

const MARLIN_GROUPS: readonly number[] = [32, 64, 128];
const MARLIN_OUT = 64;
const MARLIN_IN = 128;

export function vllmComplaints({ tensors, config }: LookedAt): VllmComplaint[] {
  const complaints: VllmComplaint[] = [];
  for (const siblings of fusedSiblings(tensors)) {
    const schemes = [...new Set(siblings.map(storedScheme))];
    const names = siblings.map(({ name }) => name).join(', ');
    if (schemes.length > 1 && siblings.some(({ kind }) => kind !== 'plain')) {
      const message = `${names} become one matrix, but are ${schemes.join(' and ')}`;
      complaints.push({ severity: 'refused', message });
    }
    // The last one may end within a block.
    const uneven = siblings.slice(0, -1).find(endsWithinBlock);
    if (uneven !== undefined) {
      const message =
        `${uneven.name} has ${uneven.shape.at(-2)} rows, no multiple of its block: the scales of ` +
        'what is stacked below it do not fit';
      complaints.push({ severity: 'refused', message });
    }
  }
  complaints.push(...weightOnlyIntegers(config));
  const slow = tensors.filter((tensor) => tensor.kind === 'int' && !fitsMarlin(tensor));
  const [first] = slow;
  if (first !== undefined) {
    const more = slow.length === 1 ? '' : ` and ${slow.length - 1} more`;
    const message =
      `${first.name}${more}: not for the Marlin kernels (4-bit, or 8-bit symmetric; groups of ` +
      `32, 64, 128 or whole rows; out a multiple of ${MARLIN_OUT}, in of ${MARLIN_IN})`;
    complaints.push({ severity: 'slow', message });
  }
  return complaints;
}

function endsWithinBlock(tensor: StoredTensor): tensor is Fp8Tensor {
  if (tensor.kind !== 'fp8') return false;
  const { block, rows } = tensor;
  return block.rows > 1 && block.rows < rows && rows % block.rows !== 0;
}

function fusedSiblings(tensors: readonly StoredTensor[]): StoredTensor[][] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const found: StoredTensor[][] = [];
  for (const { name } of tensors) {
    for (const parts of FUSED) {
      const prefix = name.endsWith(`.${parts[0]}.weight`)
        ? name.slice(0, -`${parts[0]}.weight`.length)
        : null;
      if (prefix === null) continue;
      const siblings = parts.map((part) => byName.get(`${prefix}${part}.weight`));
      found.push(siblings.filter((tensor) => tensor !== undefined));
    }
  }
  return found;
}

/** int-quantized without quantized inputs: weights alone are read as pack-quantized only. */
function weightOnlyIntegers(config: LookedAt['config']): VllmComplaint[] {
  const quantization = config?.quantization_config as Record<string, unknown> | undefined;
  if (quantization?.quant_method !== 'compressed-tensors') return [];
  const groups = Object.entries((quantization.config_groups ?? {}) as Record<string, unknown>);
  return groups.flatMap(([name, value]) => {
    const group = value as { format?: unknown; input_activations?: unknown };
    const format = group.format ?? quantization.format;
    if (format !== 'int-quantized' || (group.input_activations ?? null) !== null) return [];
    const message = `${name} is int-quantized without input_activations: no scheme takes that`;
    return [{ severity: 'refused' as const, message }];
  });
}

function fitsMarlin({ bits, symmetric, group, rows, cols, packing }: IntTensor): boolean {
  if (packing === 'bytes') return true;
  const grouped = group >= cols || MARLIN_GROUPS.includes(group);
  // Zero points at run time are there for 4 bits, and for GPTQ not at all.
  const typed = symmetric || (bits === 4 && packing !== 'gptq');
  return grouped && typed && rows % MARLIN_OUT === 0 && cols % MARLIN_IN === 0;
}
