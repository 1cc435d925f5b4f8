/**
 * What vLLM would say to a checkpoint on one NVIDIA GPU, by the rules of its own source, version
 * 0.33.0: layers/linear.py stacks q, k, v and gate, up into one matrix; quantization/utils has
 * fp8_utils.py (validate_fp8_block_shape) and marlin_utils.py (marlin_padded_nk); what it makes of
 * the config is in vllm-config.ts. More GPUs split matrices and ask for more: not looked at.
 */
import {
  type Fp8Tensor,
  type IntTensor,
  type StoredTensor,
  storedScheme,
} from '../formats/stored-tensor.ts';
import type { LookedAt } from '../looked-at.ts';
import type { VllmComplaint } from './inspection.ts';
import { configComplaints } from './vllm-config.ts';

/** Matrices of one input that vLLM holds as one, in this order. */
const FUSED: readonly (readonly string[])[] = [
  ['q_proj', 'k_proj', 'v_proj'],
  ['gate_proj', 'up_proj'],
];

/** Outputs and inputs of the tiles that Marlin works in; one pair must divide a matrix. */
const MARLIN_TILES = [
  { out: 64, in: 128 },
  { out: 128, in: 64 },
] as const;

export function vllmComplaints(looked: LookedAt): VllmComplaint[] {
  const { tensors } = looked;
  const complaints: VllmComplaint[] = [];
  const stacks = fusedSiblings(tensors);
  for (const siblings of stacks) {
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
  complaints.push(...configComplaints(looked), ...slowMatrices(tensors, stacks));
  return complaints;
}

function endsWithinBlock(tensor: StoredTensor): tensor is Fp8Tensor {
  if (tensor.kind !== 'fp8') return false;
  const { block, rows } = tensor;
  return block.rows > 1 && rows % block.rows !== 0;
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

/** What Marlin must pad, or leaves to another kernel. */
function slowMatrices(
  tensors: readonly StoredTensor[],
  stacks: readonly (readonly StoredTensor[])[],
): VllmComplaint[] {
  const stackOf = new Map(stacks.flatMap((stack) => stack.map((tensor) => [tensor, stack])));
  const packed = tensors
    .filter((tensor): tensor is IntTensor => tensor.kind === 'int')
    .filter(({ packing }) => packing !== 'bytes');
  const uneven = packed.filter((tensor) => {
    const stack = stackOf.get(tensor) ?? [tensor];
    const rows = stack.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
    return !MARLIN_TILES.some((tile) => rows % tile.out === 0 && tensor.cols % tile.in === 0);
  });
  const tiles = MARLIN_TILES.map((tile) => `${tile.out}×${tile.in}`).join(' or ');
  const typed = packed.filter(({ bits, symmetric }) => bits === 8 && !symmetric);
  return [
    ...slow(uneven, `no multiple of ${tiles} (out × in), so that Marlin pads it at every step`),
    ...slow(typed, '8-bit with zero points, which the Marlin kernels do not take'),
  ];
}

function slow(tensors: readonly IntTensor[], what: string): VllmComplaint[] {
  const [first] = tensors;
  if (first === undefined) return [];
  const more = tensors.length === 1 ? '' : ` and ${tensors.length - 1} more`;
  return [{ severity: 'slow', message: `${first.name}${more}: ${what}` }];
}
