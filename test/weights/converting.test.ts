/** Whole checkpoints through every format and back; what is refused, what verification finds. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError, GateFailed, UsageError } from '../../src/record/errors.ts';
import {
  type ConversionPlan,
  planDequantize,
  planQuantize,
} from '../../src/weights/convert/conversion-plan.ts';
import { convertCheckpoint } from '../../src/weights/convert/convert-checkpoint.ts';
import { startCrew } from '../../src/weights/convert/crew.ts';
import type { OutputFormat } from '../../src/weights/convert/output-format.ts';
import { planRepack } from '../../src/weights/convert/repack.ts';
import { verifyCheckpoint } from '../../src/weights/convert/verify-checkpoint.ts';
import { verifyFile, writeCheckpoint } from '../../src/weights/convert/write-checkpoint.ts';
import { readF32 } from '../../src/weights/dtype.ts';
import { decodeRows } from '../../src/weights/formats/decode.ts';
import { type LookedAt, lookAt } from '../../src/weights/looked-at.ts';
import { dequantizeMatrix, quantizeMatrix } from '../../src/weights/quantizer.ts';
import { writeSafetensors } from '../../src/weights/safetensors-write.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';

let dir: string;
let model: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-convert-'));
  model = writeSmallCheckpoint(join(dir, 'model'));
});
afterEach(() => rmSync(dir, { recursive: true }));

type Plan = (input: LookedAt) => ConversionPlan;

async function convert(from: string, out: string, plan: Plan): Promise<void> {
  const input = lookAt(from);
  try {
    await convertCheckpoint({ input, plan: plan(input), out }, { verify: true, hash: true });
  } finally {
    input.close();
  }
}

const quantizing =
  (scheme: string, format: OutputFormat, ignore: string[] = []): Plan =>
  (input) =>
    planQuantize(input, { scheme: parseScheme(scheme), format, ignore });
const dequantizing: Plan = (input) => planDequantize(input, 'F32');

/** All values of a checkpoint by name, whatever they are stored in. */
function valuesOf(path: string): Map<string, Float32Array> {
  const looked = lookAt(path);
  try {
    return new Map(
      looked.tensors.map((tensor) => {
        const rows = tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
        return [tensor.name, decodeRows(tensor, { from: 0, to: rows }, looked.readAt)];
      }),
    );
  } finally {
    looked.close();
  }
}

const CASES: readonly [string, OutputFormat][] = [
  ['int4-g32', 'compressed-tensors'],
  ['int4-asym-g64', 'compressed-tensors'],
  ['int8-g128', 'compressed-tensors'],
  ['int8-channel', 'compressed-tensors'],
  ['fp8-channel', 'compressed-tensors'],
  ['fp8-tensor', 'compressed-tensors'],
  ['fp8-tensor', 'fp8'],
  ['fp8-block128', 'compressed-tensors'],
  ['fp8-block128', 'fp8'],
  ['int4-g128', 'gptq'],
  ['int4-asym-g32', 'gptq'],
  ['int8-g128', 'gptq'],
  ['int4-asym-g128', 'awq'],
];

describe('quantize, read back, dequantize', () => {
  it.each(CASES)('%s as %s', async (scheme, format) => {
    const quantized = join(dir, 'quantized');
    await convert(model, quantized, quantizing(scheme, format));
    const source = lookAt(model);
    const stored = valuesOf(quantized);
    const input = lookAt(model);
    const planned = quantizing(scheme, format)(input);
    input.close();
    let matrices = 0;
    for (const { tensor, action } of planned.files.flatMap(({ steps }) => steps)) {
      const original = readF32(source.source, tensor.name);
      if (action.kind !== 'quantize') {
        expect(stored.get(tensor.name)).toEqual(original);
        continue;
      }
      matrices++;
      const { rows, cols, scaleDtype, scheme: how } = action.packed;
      const options = { rows, cols, scheme: how, scaleDtype, name: tensor.name };
      expect(stored.get(tensor.name)).toEqual(dequantizeMatrix(quantizeMatrix(original, options)));
    }
    source.close();
    expect(matrices).toBe(14);
    await convert(quantized, join(dir, 'plain'), dequantizing);
    expect(valuesOf(join(dir, 'plain'))).toEqual(stored);
    expect(existsSync(`${quantized}.partial`)).toBe(false);
    expect(readdirSync(quantized)).toContain('tokenizer.json');
    const config = JSON.parse(readFileSync(join(dir, 'plain', 'config.json'), 'utf8'));
    expect(config.quantization_config).toBeUndefined();
    expect(config.torch_dtype).toBe('float32');
  });

  it('matrices of any number of rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(...CASES.filter(([, format]) => format === 'compressed-tensors')),
        async (rows, groups, [text, format]) => {
          const scheme = parseScheme(text);
          const cols = (scheme.group ?? 33) * groups;
          const data = Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i * i) / 7);
          const from = join(dir, `ragged-${rows}-${cols}-${text}`);
          mkdirSync(from, { recursive: true });
          writeFileSync(join(from, 'config.json'), '{"model_type":"any"}');
          const bytes = new Uint8Array(data.buffer);
          writeSafetensors(join(from, 'model.safetensors'), [
            { name: 'a.weight', dtype: 'F32', shape: [rows, cols], data: bytes },
          ]);
          const out = `${from}-out`;
          await convert(from, out, quantizing(text, format));
          const options = { rows, cols, scheme, scaleDtype: 'F32' as const, name: 'a.weight' };
          const expected = dequantizeMatrix(quantizeMatrix(data, options));
          expect(valuesOf(out).get('a.weight')).toEqual(expected);
          for (const path of [from, out]) rmSync(path, { recursive: true });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('shards keep their tensors, and the index says where they are', async () => {
    const sharded = join(dir, 'sharded');
    mkdirSync(sharded);
    writeFileSync(join(sharded, 'config.json'), readFileSync(join(model, 'config.json')));
    const source = lookAt(model);
    const map: Record<string, string> = {};
    for (const [i, half] of [0, 1].entries()) {
      const file = `weights-${half}.safetensors`;
      const names = source.source.names.filter((_, n) => n % 2 === i);
      for (const name of names) map[name] = file;
      const tensors = names.map((name) => ({
        ...source.source.info(name),
        data: source.source.read(name),
      }));
      writeSafetensors(join(sharded, file), tensors);
    }
    source.close();
    const index = { metadata: { total_size: 1 }, weight_map: map };
    writeFileSync(join(sharded, 'model.safetensors.index.json'), JSON.stringify(index));
    await convert(sharded, join(dir, 'out'), quantizing('int4-g32', 'compressed-tensors'));
    await convert(model, join(dir, 'whole'), quantizing('int4-g32', 'compressed-tensors'));
    const written = JSON.parse(
      readFileSync(join(dir, 'out', 'model.safetensors.index.json'), 'utf8'),
    );
    const looked = lookAt(join(dir, 'out'));
    const bytes = looked.source.names.map((name) => looked.source.info(name).bytes);
    looked.close();
    expect(written.metadata.total_size).toBe(bytes.reduce((sum, n) => sum + n, 0));
    const sorted = (path: string) => [...valuesOf(path)].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(join(dir, 'out'))).toEqual(sorted(join(dir, 'whole')));
  });
});

describe('repack', () => {
  const repacking =
    (format: OutputFormat): Plan =>
    (input) =>
      planRepack(input, format);
  const file = (name: string) => readFileSync(join(dir, name, 'model.safetensors'));

  it.each([
    ['int4-g32', 'gptq', 'compressed-tensors'],
    ['int4-asym-g64', 'gptq', 'compressed-tensors'],
    ['int8-g128', 'gptq', 'compressed-tensors'],
    ['int4-asym-g64', 'awq', 'gptq'],
    ['int4-asym-g32', 'awq', 'compressed-tensors'],
  ] as const)('%s from %s to %s and back: the same bytes', async (scheme, first, second) => {
    await convert(model, join(dir, 'a'), quantizing(scheme, first));
    await convert(join(dir, 'a'), join(dir, 'b'), repacking(second));
    expect(valuesOf(join(dir, 'b'))).toEqual(valuesOf(join(dir, 'a')));
    await convert(join(dir, 'b'), join(dir, 'c'), repacking(first));
    expect(Buffer.compare(file('c'), file('a'))).toBe(0);
  });

  it('symmetric codes become AWQ with zero points that mean nothing', async () => {
    await convert(model, join(dir, 'a'), quantizing('int4-g64', 'gptq'));
    await convert(join(dir, 'a'), join(dir, 'b'), repacking('awq'));
    expect(valuesOf(join(dir, 'b'))).toEqual(valuesOf(join(dir, 'a')));
  });

  it.each([
    ['int4-asym-g64', 'awq', 'gptq', 'g_idx', /act-order/],
    ['int4-g64', 'gptq', 'compressed-tensors', 'qzeros', /has no zero points/],
    ['int8-channel', 'compressed-tensors', 'gptq', null, /matrices are int8-g256 and int8-g128/],
    ['fp8-channel', 'compressed-tensors', 'gptq', null, /no place for FP8/],
    ['int4-g64', 'compressed-tensors', 'awq', 'weight_scale', /no exact value in F16/],
  ] as const)('%s of %s to %s is refused: %s', async (scheme, from, to, spoilt, message) => {
    const quantized = join(dir, 'a');
    await convert(model, quantized, quantizing(scheme, spoilt === 'g_idx' ? 'gptq' : from));
    if (spoilt !== null) spoil(quantized, spoilt);
    const format = spoilt === 'g_idx' ? 'compressed-tensors' : to;
    await expect(convert(quantized, join(dir, 'b'), repacking(format))).rejects.toThrow(message);
    expect(readdirSync(dir).sort()).toEqual(['a', 'model']);
  });

  /** Changes the last tensor of such a name to something else that is valid in its own format. */
  function spoil(path: string, suffix: string): void {
    const looked = lookAt(path);
    const name = looked.source.names.findLast((each) => each.endsWith(`.${suffix}`))!;
    const { location, bytes } = looked.source.info(name);
    looked.close();
    const content = readFileSync(location!.file);
    const at = location!.offset;
    if (suffix === 'g_idx')
      content
        .subarray(at, at + bytes)
        .swap32()
        .reverse();
    // BF16 1e30 is beyond F16; zeros of 5 are no 8.
    else if (suffix === 'weight_scale') content.writeUInt16LE(0x7149, at);
    else content.writeUInt32LE(0x44444444, at);
    writeFileSync(location!.file, content);
  }
});

describe('refused, with nothing written', () => {
  const out = () => join(dir, 'out');
  async function refused(from: string, plan: Plan, message: RegExp): Promise<void> {
    await expect(convert(from, out(), plan)).rejects.toThrow(message);
    expect(existsSync(out())).toBe(false);
    expect(existsSync(`${out()}.partial`)).toBe(false);
  }

  it('quantized input, and plain input to dequantize', async () => {
    const quantized = join(dir, 'quantized');
    await convert(model, quantized, quantizing('int8-channel', 'compressed-tensors'));
    await refused(quantized, quantizing('int4-g32', 'gptq'), /quantized already/);
    await refused(model, dequantizing, /is not quantized/);
  });

  it('GPT-2, whose matrices lie as [in, out], in either direction', async () => {
    const config = { model_type: 'gpt2', quantization_config: { quant_method: 'fp8' } };
    const gpt2 = writeSmallCheckpoint(join(dir, 'gpt2'));
    writeFileSync(join(gpt2, 'config.json'), JSON.stringify({ model_type: 'gpt2' }));
    await refused(gpt2, quantizing('int4-g32', 'gptq'), /gpt2 stores its matrices as \[in, out\]/);
    writeFileSync(join(gpt2, 'config.json'), JSON.stringify(config));
    await refused(gpt2, dequantizing, /gpt2 stores its matrices as \[in, out\]/);
  });

  it.each([
    ['int8-channel', 'gptq'],
    ['int4-g128', 'awq'],
    ['fp8-channel', 'fp8'],
    ['bf16', 'compressed-tensors'],
    ['stored', 'compressed-tensors'],
  ] as const)('%s in %s', async (scheme, format) => {
    await refused(model, quantizing(scheme, format), /cannot hold/);
  });

  it('a group that does not divide, and siblings that would differ', async () => {
    const config = { hidden_size: 96, intermediate_size: 256 };
    const odd = writeSmallCheckpoint(join(dir, 'odd'), { config });
    await refused(odd, quantizing('int4-g128', 'gptq'), /groups of 128 do not divide in = 96/);
    const ignore = ['q_proj'];
    await refused(model, quantizing('int4-g32', 'gptq', ignore), /would be bf16|its sibling/);
  });

  it('a weight that is NaN, after others were written', async () => {
    const spoilt = writeSmallCheckpoint(join(dir, 'nan'), {
      change(tensor) {
        if (!tensor.name.endsWith('1.mlp.up_proj.weight')) return tensor;
        const data = tensor.data.slice();
        data.set([0xc0, 0x7f], 64);
        return { ...tensor, data };
      },
    });
    await refused(spoilt, quantizing('fp8-block128', 'fp8'), /up_proj.*holds NaN at index 32/);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('a scale that is %d', async (scale) => {
    const quantized = join(dir, 'quantized');
    await convert(model, quantized, quantizing('fp8-block128', 'fp8'));
    const looked = lookAt(quantized);
    const name = looked.source.names.find((each) => each.endsWith('_scale_inv'))!;
    const { location } = looked.source.info(name);
    looked.close();
    const bytes = readFileSync(location!.file);
    bytes.writeFloatLE(scale, location!.offset);
    writeFileSync(location!.file, bytes);
    await refused(quantized, dequantizing, /weight_scale_inv" holds/);
  });

  it('a link out of the directory', async () => {
    writeFileSync(join(dir, 'secret'), 'x');
    symlinkSync(join(dir, 'secret'), join(model, 'notes.txt'));
    await refused(model, quantizing('int4-g32', 'gptq'), /link out of the model/);
  });

  it('a destination that is there, or is the source', async () => {
    const plan = quantizing('int4-g32', 'gptq');
    await expect(convert(model, model, plan)).rejects.toThrow(/are the same/);
    await expect(convert(model, dir, plan)).rejects.toThrow(UsageError);
    expect(readdirSync(dir)).toEqual(['model']);
  });
});

describe('what an earlier conversion left', () => {
  const plan = quantizing('int4-g32', 'gptq');
  const partial = () => join(dir, 'out.partial');

  it('is started over when its process is gone, with the same bytes', async () => {
    await convert(model, join(dir, 'first'), plan);
    mkdirSync(partial());
    writeFileSync(join(partial(), '.assay-conversion'), '4194999');
    writeFileSync(join(partial(), 'model.safetensors'), 'half');
    await convert(model, join(dir, 'out'), plan);
    const bytes = (name: string) => readFileSync(join(dir, name, 'model.safetensors'));
    expect(Buffer.compare(bytes('out'), bytes('first'))).toBe(0);
    expect(readdirSync(join(dir, 'out'))).toEqual(readdirSync(join(dir, 'first')));
  });

  it('is not touched while its process lives, nor what is of someone else', async () => {
    mkdirSync(partial());
    writeFileSync(join(partial(), 'mine'), 'x');
    await expect(convert(model, join(dir, 'out'), plan)).rejects.toThrow(/is not of a conversion/);
    writeFileSync(join(partial(), '.assay-conversion'), String(process.ppid));
    await expect(convert(model, join(dir, 'out'), plan)).rejects.toThrow(/which runs/);
    expect(readdirSync(partial())).toContain('mine');
  });
});

describe('verification', () => {
  it('finds any one changed byte of what was written', async () => {
    const input = lookAt(model);
    const planned = quantizing('int4-asym-g32', 'gptq')(input);
    const out = join(dir, 'out');
    const { signal } = new AbortController();
    const options = { crew: startCrew(0, signal), verify: false, hash: false };
    const written = await writeCheckpoint(planned, { from: model, out }, options);
    const path = join(written.dir, 'model.safetensors');
    const bytes = readFileSync(path);
    const { absmaxima } = written;
    const check = () =>
      verifyFile(planned.files[0]!, { crew: startCrew(0, signal), absmaxima, path });
    await check();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const changed = Buffer.from(bytes);
          changed[at]! ^= by;
          writeFileSync(path, changed);
          await expect(check()).rejects.toThrow(GateFailed);
        },
      ),
      { numRuns: 40 },
    );
    writeFileSync(path, bytes.subarray(0, -1));
    await expect(check()).rejects.toThrow(GateFailed);
    writeFileSync(path, bytes);
    verifyCheckpoint(planned, written, input.readAt);
    const config = join(written.dir, 'config.json');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('"group_size": 32', '"group_size": 64'));
    expect(() => verifyCheckpoint(planned, written, input.readAt)).toThrow(FormatError);
    input.close();
  });
});
