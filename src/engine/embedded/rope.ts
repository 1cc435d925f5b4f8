/** Rotary position embedding: what config.json says, the frequencies, and the tables. */
import { FormatError } from '../../record/errors.ts';
import type { ConfigFields } from './config-fields.ts';

export type RopeScaling =
  | { readonly type: 'default' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalMaxPositions: number;
    };

export interface Rope {
  readonly theta: number;
  /** How many of a head's dimensions are rotated; the rest passes through. Even. */
  readonly rotaryDim: number;
  readonly scaling: RopeScaling;
}

const KNOWN = 'default, linear, llama3';

/**
 * Both generations of keys: `rope_parameters { rope_theta, rope_type, … }` and `rope_theta`,
 * `rope_scaling { type | rope_type, … }`, `rotary_pct`, `rotary_emb_base`.
 * A rope type that we do not compute is refused by name: run with the wrong frequencies, a model
 * still speaks fluently at short lengths and nobody notices.
 */
export function readRope(config: ConfigFields, headDim: number, defaultShare = 1): Rope {
  const parameters = config.object('rope_parameters');
  for (const kind of ['full_attention', 'sliding_attention']) {
    if (parameters?.find(kind)) {
      throw new FormatError('config.json: rope_parameters per layer type are not supported', {
        hint: 'Use a model whose layers share one rotary embedding.',
      });
    }
  }
  const scaling = config.object('rope_scaling');
  const share =
    parameters?.find('partial_rotary_factor') !== undefined
      ? parameters.number(['partial_rotary_factor'])
      : config.number(['partial_rotary_factor', 'rotary_pct'], defaultShare);
  const rotaryDim = 2 * Math.floor((headDim * share) / 2);
  if (!(rotaryDim > 0 && rotaryDim <= headDim)) {
    throw config.fail('partial_rotary_factor', 'above 0 and at most 1', share);
  }
  const theta =
    parameters?.find('rope_theta') !== undefined
      ? parameters.number(['rope_theta'])
      : config.number(['rope_theta', 'rotary_emb_base'], 10_000);
  if (theta <= 0) throw config.fail('rope_theta', 'above 0', theta);
  return { theta, rotaryDim, scaling: readScaling(parameters ?? scaling, scaling) };
}

function readScaling(
  first: ConfigFields | undefined,
  second: ConfigFields | undefined,
): RopeScaling {
  const typed = [first, second].find((fields) => fields?.find('rope_type', 'type') !== undefined);
  const type = typed?.text('rope_type') ?? typed?.text('type') ?? 'default';
  if (typed === undefined || type === 'default') return { type: 'default' };
  const positive = (name: string): number => {
    const value = typed.number([name]);
    if (value > 0) return value;
    throw typed.fail(name, 'above 0', value);
  };
  if (type === 'linear') return { type, factor: positive('factor') };
  if (type === 'llama3') {
    return {
      type,
      factor: positive('factor'),
      lowFrequencyFactor: positive('low_freq_factor'),
      highFrequencyFactor: positive('high_freq_factor'),
      originalMaxPositions: positive('original_max_position_embeddings'),
    };
  }
  throw new FormatError(`config.json: rope type "${type}" is not supported (known: ${KNOWN})`, {
    hint: 'Running it with other frequencies would give wrong results at long lengths.',
    details: { field: 'rope_scaling', expected: KNOWN, got: type },
  });
}

/**
 * Angle per position of each rotated pair, [rotaryDim / 2], rounded to f32 step by step as
 * PyTorch does (transformers `modeling_rope_utils.py`), because position × frequency reaches
 * thousands of radians, where a different rounding of the frequency shows.
 */
export function inverseFrequencies(rope: Rope): Float32Array {
  const { fround } = Math;
  const plain = Float32Array.from({ length: rope.rotaryDim / 2 }, (_, i) => {
    return 1 / fround(rope.theta ** fround((2 * i) / rope.rotaryDim));
  });
  const { scaling } = rope;
  if (scaling.type === 'default') return plain;
  if (scaling.type === 'linear') return plain.map((value) => value / scaling.factor);
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
  const original = scaling.originalMaxPositions;
  return plain.map((value) => {
    const wavelength = (2 * Math.PI) / value;
    if (wavelength > original / low) return value / factor;
    if (wavelength < original / high) return value;
    const smooth = (original / wavelength - low) / (high - low);
    return ((1 - smooth) * value) / factor + smooth * value;
  });
}

export interface RotaryTables {
  /** [positions, rotaryDim / 2], row-major. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

export function rotaryTables(rope: Rope, positions: number): RotaryTables {
  const frequencies = inverseFrequencies(rope);
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(p * frequencies[i]!);
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
