/** What a benchmark continues: prompts of a file, or token sequences drawn from the vocabulary. */
import type { Tokenizer } from '../../engine/tokenizer.ts';
import { FormatError } from '../../record/errors.ts';
import type { Finding } from '../../record/schema.ts';
import { type JsonlRow, parseJsonl, readTextFile } from '../jsonl.ts';
import { seededDraw } from './draw.ts';
import { chooseByTercile } from './terciles.ts';

export type Prompt = { readonly text: string } | { readonly ids: readonly number[] };

const ROW_HINT = 'a row needs "text" or "prompt" (a string) or "input_ids" (token ids)';

/**
 * A .txt file holds one prompt a line, a .jsonl file one a row. Blank lines are skipped.
 * Throws FormatError for a file that is missing, malformed, or has no prompt.
 */
export async function loadPrompts(path: string): Promise<Prompt[]> {
  const text = await readTextFile(path);
  const prompts = /\.(jsonl|ndjson)$/i.test(path)
    ? parseJsonl(text, path).map((row) => promptOf(row, path))
    : text.split(/\r?\n/).flatMap((line): Prompt[] => (line.trim() === '' ? [] : [{ text: line }]));
  if (prompts.length === 0) {
    throw new FormatError(`${path}: there is no prompt in it`, {
      hint: 'give one prompt a line (.txt) or a row (.jsonl), or leave the file out',
      details: { path },
    });
  }
  return prompts;
}

function promptOf({ line, value }: JsonlRow, path: string): Prompt {
  const where = { path, line };
  if (Array.isArray(value.input_ids)) {
    const ids = value.input_ids as unknown[];
    const bad = ids.findIndex((id) => !(Number.isSafeInteger(id) && (id as number) >= 0));
    if (bad < 0 && ids.length > 0) return { ids: ids as number[] };
    const found = ids.length === 0 ? 'is empty' : `[${bad}] is ${JSON.stringify(ids[bad])}`;
    throw new FormatError(`${path}:${line}: input_ids ${found}`, {
      hint: 'token ids are whole numbers from 0 up to the size of the vocabulary',
      details: where,
    });
  }
  const text = typeof value.text === 'string' ? value.text : value.prompt;
  if (typeof text !== 'string' || text.trim() === '') {
    const what = text === undefined ? 'no prompt in this row' : 'the prompt is empty or no text';
    throw new FormatError(`${path}:${line}: ${what}`, {
      hint: ROW_HINT,
      details: { ...where, keys: Object.keys(value) },
    });
  }
  return { text };
}

export interface PromptModel {
  readonly tokenizer: Tokenizer | null;
  readonly vocabSize: number;
}

export interface ChosenPrompts {
  /** Token ids, in the order in which they are used. */
  readonly prompts: readonly (readonly number[])[];
  readonly findings: readonly Finding[];
}

/** `count` prompts of a file, by terciles of their length in tokens of this model. */
export function choosePrompts(
  file: { path: string; prompts: readonly Prompt[] },
  model: PromptModel,
  options: { count: number; seed: number },
): ChosenPrompts {
  const encoded = encodePrompts(file, model);
  const lengths = encoded.map((ids) => ids.length);
  const { chosen, borders, counts } = chooseByTercile(lengths, options);
  const message =
    `${chosen.length} of ${encoded.length} prompts, by length: ${counts.short} up to ` +
    `${borders[0]} tokens, ${counts.medium} up to ${borders[1]}, ${counts.long} longer`;
  const evidence = { borders: [...borders], ...counts, seed: options.seed };
  return {
    prompts: chosen.map((index) => encoded[index] as number[]),
    findings: [{ code: 'prompt-lengths', severity: 'info', message, evidence }],
  };
}

/** All prompts as token ids, in the order of the file. */
export function encodePrompts(
  file: { path: string; prompts: readonly Prompt[] },
  model: PromptModel,
): (readonly number[])[] {
  return file.prompts.map((prompt, index) => idsOf(prompt, index, { file, model }));
}

function idsOf(
  prompt: Prompt,
  index: number,
  { file, model }: { file: { path: string }; model: PromptModel },
): readonly number[] {
  if ('text' in prompt) {
    if (model.tokenizer) return model.tokenizer.encode(prompt.text, { special: true });
    throw new FormatError('the model has no tokenizer.json, and the prompts are text', {
      hint: 'give rows with "input_ids", or leave the file out: prompts are then drawn at random',
      details: { path: file.path },
    });
  }
  const bad = prompt.ids.find((id) => id >= model.vocabSize);
  if (bad === undefined) return prompt.ids;
  throw new FormatError(
    `${file.path}: prompt ${index} holds token ${bad}, the model knows ${model.vocabSize} tokens`,
    { hint: 'these ids come from another tokenizer', details: { path: file.path, id: bad } },
  );
}

/** `count` sequences of `tokens` ids, drawn evenly from the vocabulary without its special ids. */
export function syntheticPrompts(
  model: PromptModel,
  options: { count: number; tokens: number; seed: number },
): number[][] {
  const special = model.tokenizer?.specialIds ?? new Set<number>();
  const size = Math.min(model.vocabSize, model.tokenizer?.size ?? model.vocabSize);
  const plain = Array.from({ length: size }, (_, id) => id).filter((id) => !special.has(id));
  const draw = seededDraw(options.seed);
  const pick = (): number => plain[Math.floor(draw() * plain.length)] as number;
  return Array.from({ length: options.count }, () => Array.from({ length: options.tokens }, pick));
}
