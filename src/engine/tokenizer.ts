/** The model's own tokenizer, from tokenizer.json and tokenizer_config.json. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { FormatError } from '../record/errors.ts';
import type { Finding } from '../record/schema.ts';
import { type ChatMessage, readChatTemplate, renderChat } from './chat-template.ts';
import type { Engine } from './engine.ts';
import { type TextStream, textStream } from './text-stream.ts';

export interface Tokenizer {
  /** Largest id + 1. */
  readonly size: number;
  /** What is odd about the pair of tokenizer and model. */
  readonly findings: readonly Finding[];
  readonly bosId: number | null;
  readonly eosId: number | null;
  readonly specialIds: ReadonlySet<number>;
  readonly hasChatTemplate: boolean;
  /** `special`: with the tokens that the model expects around a text, e.g. BOS. */
  encode(text: string, options: { special: boolean }): number[];
  /** Special tokens are left out unless `special`. */
  decode(ids: readonly number[], options?: { special: boolean }): string;
  /** Text piece by piece, never half a character. */
  stream(): TextStream;
  /** The conversation as the model's template writes it; encode it with `special: false`. */
  chat(messages: readonly ChatMessage[], addGenerationPrompt?: boolean): Promise<string>;
}

type Json = Readonly<Record<string, unknown>>;

/** Below this share of the model's vocabulary the tokenizer is probably another model's. */
const SMALLEST_SHARE = 0.9;

/** The tokenizer of an opened model, or null where it has none. */
export function openTokenizer(
  engine: Pick<Engine, 'vocabSize' | 'modelDir'>,
): Promise<Tokenizer | null> {
  return loadTokenizer(engine.modelDir ?? null, engine.vocabSize);
}

/**
 * @returns null where `dir` has no tokenizer.json
 * @throws FormatError for files that cannot be read, and for a tokenizer whose ids the model lacks
 */
export async function loadTokenizer(
  dir: string | null,
  vocabSize: number,
): Promise<Tokenizer | null> {
  if (dir === null) return null;
  const path = join(dir, 'tokenizer.json');
  if (!existsSync(path)) return null;
  const configPath = join(dir, 'tokenizer_config.json');
  const config = existsSync(configPath) ? readJson(configPath) : {};
  const json = readJson(path);
  const { Tokenizer: Loaded } = await import('@huggingface/tokenizers');
  let hub: HubTokenizer;
  try {
    hub = new Loaded(json, config);
  } catch (cause) {
    throw new FormatError(`${path}: not a tokenizer that can be read (${reason(cause)})`, {
      hint: 'Download the model again; tokenizer.json must be that of Hugging Face tokenizers.',
      details: { path },
      cause,
    });
  }
  const size = largestId(hub) + 1;
  const findings = compareSizes({ path, size, vocabSize });
  return assemble({ hub, config, size, findings, template: readChatTemplate(dir, config) });
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function readJson(path: string): Json {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new FormatError(`${path}: cannot be read as JSON (${reason(cause)})`, {
      hint: 'The file is damaged; download it again.',
      details: { path },
      cause,
    });
  }
}

function largestId(hub: HubTokenizer): number {
  let most = -1;
  for (const id of hub.get_vocab(true).values()) most = Math.max(most, id);
  for (const id of hub.get_added_tokens_decoder().keys()) most = Math.max(most, id);
  return most;
}

function compareSizes(of: { path: string; size: number; vocabSize: number }): Finding[] {
  const { path, size, vocabSize } = of;
  if (size > vocabSize) {
    throw new FormatError(`${path}: ids up to ${size - 1}, but the model knows ${vocabSize}`, {
      hint: 'The tokenizer belongs to another model.',
      details: { path, expected: `ids below ${vocabSize}`, got: size - 1 },
    });
  }
  if (size >= SMALLEST_SHARE * vocabSize) return [];
  const share = ((100 * size) / vocabSize).toFixed(1);
  const message = `the tokenizer has ${size} ids, the model ${vocabSize} (${share} %)`;
  const evidence = { tokenizer: size, model: vocabSize };
  return [{ code: 'small-tokenizer', severity: 'warning', message, place: path, evidence }];
}

const SPECIAL_NAMES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'pad_token',
  'sep_token',
  'cls_token',
];

/** A special token is a string, or an object with its `content`. */
function specialTokens(config: Json): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of SPECIAL_NAMES) {
    const value = config[name];
    const text =
      typeof value === 'string' ? value : (value as { content?: unknown } | null)?.content;
    if (typeof text === 'string') found[name] = text;
  }
  return found;
}

function assemble(parts: {
  hub: HubTokenizer;
  config: Json;
  size: number;
  findings: readonly Finding[];
  template: string | null;
}): Tokenizer {
  const { hub, config, template } = parts;
  const named = specialTokens(config);
  const idOf = (name: string): number | null =>
    named[name] === undefined ? null : (hub.token_to_id(named[name]) ?? null);
  const added = hub.get_added_tokens_decoder();
  const bosId = idOf('bos_token');
  const addsBos = config.add_bos_token === true && bosId !== null;
  const decode = (ids: readonly number[], options = { special: false }): string =>
    ids.length === 0 ? '' : hub.decode([...ids], { skip_special_tokens: !options.special });
  return {
    size: parts.size,
    findings: parts.findings,
    bosId,
    eosId: idOf('eos_token'),
    specialIds: new Set([...added].filter(([, token]) => token.special).map(([id]) => id)),
    hasChatTemplate: template !== null,
    encode(text, { special }) {
      const { ids } = hub.encode(text, { add_special_tokens: special });
      // Some tokenizer.json files leave BOS to the tokenizer class, which reads add_bos_token.
      if (special && addsBos && ids[0] !== bosId) return [bosId, ...ids];
      return [...ids];
    },
    decode,
    stream: () => textStream((ids) => decode(ids)),
    async chat(messages, addGenerationPrompt = true) {
      if (template === null) {
        throw new FormatError('the model has no chat template', {
          hint: 'It is probably a base model: give it plain text.',
        });
      }
      return renderChat(template, { messages, addGenerationPrompt, specialTokens: named });
    },
  };
}
