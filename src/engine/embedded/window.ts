/** Sliding-window attention as config.json declares it: honoured or refused, never ignored. */
import { FormatError } from '../../record/errors.ts';
import type { ConfigFields } from './config-fields.ts';

/** `never`: the family has no window; `always`: every layer; `upper`: by max_window_layers. */
export type WindowRule = 'never' | 'always' | 'upper';

/**
 * Keys that a query of each layer sees, itself included; null = all before it.
 * Rules of transformers' configuration classes: Mistral and Phi-3 window every layer; Qwen2 and
 * Qwen3 only with `use_sliding_window`, from layer `max_window_layers` on. `layer_types` wins.
 */
export function readWindows(
  config: ConfigFields,
  shape: { layers: number; maxPositions: number; rule: WindowRule },
): (number | null)[] {
  const { layers, maxPositions, rule } = shape;
  const declared = config.number(['sliding_window'], 0);
  const enabled = rule === 'upper' ? config.flag('use_sliding_window', false) : true;
  const width = enabled ? declared : 0;
  if (!Number.isInteger(width) || width < 0) {
    throw config.fail('sliding_window', 'a positive integer or null', declared);
  }
  if (rule === 'never' && width > 0) {
    throw new FormatError(
      `config.json: sliding_window ${width} is not defined for ${config.text('model_type')}`,
      { hint: 'Ignoring it would give wrong results beyond that length.' },
    );
  }
  const first = rule === 'upper' ? config.number(['max_window_layers'], 28) : 0;
  const types = readLayerTypes(config, layers);
  return Array.from({ length: layers }, (_, layer) => {
    const sliding = types ? types[layer] === 'sliding_attention' : width > 0 && layer >= first;
    if (!sliding) return null;
    if (width === 0) throw config.fail('sliding_window', 'set where layer_types slide', declared);
    return width >= maxPositions ? null : width;
  });
}

function readLayerTypes(config: ConfigFields, layers: number): readonly string[] | undefined {
  const types = config.strings('layer_types');
  if (types === undefined) return undefined;
  if (types.length !== layers) throw config.fail('layer_types', `${layers} entries`, types.length);
  for (const type of types) {
    if (type !== 'full_attention' && type !== 'sliding_attention') {
      throw config.fail('layer_types', 'full_attention or sliding_attention', type);
    }
  }
  return types;
}
