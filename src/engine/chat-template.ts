/** The model's own chat template: where it is written, and how it is rendered. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '../record/errors.ts';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

const FILE = 'chat_template.jinja';

/**
 * The Jinja source, or null where the model has none. `chat_template.jinja` comes before
 * tokenizer_config.json, as in transformers; a list there must name a `default`.
 */
export function readChatTemplate(
  dir: string,
  config: Readonly<Record<string, unknown>>,
): string | null {
  const path = join(dir, FILE);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const declared = config.chat_template;
  if (declared === undefined || declared === null) return null;
  if (typeof declared === 'string') return declared;
  if (Array.isArray(declared)) {
    const chosen = declared.find((entry) => entry?.name === 'default')?.template;
    if (typeof chosen === 'string') return chosen;
    const names = declared.map((entry) => String(entry?.name)).join(', ');
    throw new FormatError(`${dir}: chat_template has no entry named "default"`, {
      hint: `It names: ${names}.`,
      details: { path: join(dir, 'tokenizer_config.json') },
    });
  }
  throw new FormatError(`${dir}: chat_template is neither a string nor a list`, {
    details: { path: join(dir, 'tokenizer_config.json'), got: typeof declared },
  });
}

/** @throws FormatError with the template's own message if it refuses the conversation */
export async function renderChat(
  source: string,
  values: {
    readonly messages: readonly ChatMessage[];
    readonly addGenerationPrompt: boolean;
    /** bos_token, eos_token and the like, by name. */
    readonly specialTokens: Readonly<Record<string, string>>;
  },
): Promise<string> {
  const { Template } = await import('@huggingface/jinja');
  try {
    return new Template(source).render({
      ...values.specialTokens,
      messages: values.messages,
      add_generation_prompt: values.addGenerationPrompt,
    });
  } catch (cause) {
    throw new FormatError(`the chat template failed: ${(cause as Error).message}`, {
      hint: 'Some templates allow only certain roles or orders of messages.',
      cause,
    });
  }
}
