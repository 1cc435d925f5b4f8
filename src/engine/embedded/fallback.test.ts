import { expect, test } from 'vitest';
import { EngineError } from '../../record/errors.ts';
import { checkProbe, parseProfile } from './fallback.ts';

const node = (name: string, op: string, provider: string, cat = 'Node') => ({
  ...{ cat, name, args: { op_name: op, provider } },
});

test('nodes of the CPU provider are listed once, in order', () => {
  const profile = [
    { cat: 'Session', name: 'model_loading_array' },
    node('Sub:Sub#2_kernel_time', 'Sub', 'CPUExecutionProvider'),
    node('MatMul:MatMul#9_kernel_time', 'MatMul', 'WebGpuExecutionProvider'),
    node('Gather:Gather#6_kernel_time', 'Gather', 'CPUExecutionProvider'),
    node('Sub:Sub#2_kernel_time', 'Sub', 'CPUExecutionProvider'),
    node('Other', 'Other', 'CPUExecutionProvider', 'Api'),
  ];
  expect(parseProfile('body', JSON.stringify(profile))).toEqual([
    { graph: 'body', node: 'Sub:Sub#2', op: 'Sub' },
    { graph: 'body', node: 'Gather:Gather#6', op: 'Gather' },
  ]);
});

test('a profile without nodes', () => {
  expect(parseProfile('head', '[]')).toEqual([]);
});

test('logits that tell nothing are an error', () => {
  expect(() => checkProbe(Float32Array.of(1, 2, 1))).not.toThrow();
  expect(() => checkProbe(Float32Array.of(3))).not.toThrow();
  expect(() => checkProbe(new Float32Array(5))).toThrow(EngineError);
  expect(() => checkProbe(new Float32Array(5))).toThrow(/same value for every token/);
  expect(() => checkProbe(Float32Array.of(1, Number.NaN))).toThrow(/not finite/);
  expect(() => checkProbe(Float32Array.of(1, Number.POSITIVE_INFINITY))).toThrow(/not finite/);
});
