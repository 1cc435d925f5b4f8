/** A byte-level tokenizer without merges: every UTF-8 byte is one token, so texts count exactly. */

export const BOS = '<|bos|>';
export const EOS = '<|eos|>';
export const BOS_ID = 256;
export const EOS_ID = 257;
export const BYTE_VOCABULARY = 258;

/** The printable stand-ins of bytes that byte-level tokenizers use (GPT-2). */
function byteCharacters(): string[] {
  const plain = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(plain(byte) ? byte : next++),
  );
}

/** tokenizer.json; `extra` more tokens make it another vocabulary. */
export function tokenizerJson(options: { extra?: number } = {}): Record<string, unknown> {
  const special = (id: number, content: string) => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false },
    ...{ normalized: false, special: true },
  });
  const more = Array.from({ length: options.extra ?? 0 }, (_, i) => `extra${i}`);
  const tokens = [...byteCharacters(), BOS, EOS, ...more];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(BOS_ID, BOS), special(EOS_ID, EOS)],
    normalizer: null,
    pre_tokenizer: {
      type: 'ByteLevel',
      add_prefix_space: false,
      trim_offsets: true,
      use_regex: false,
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** BOS is added by the tokenizer's class, as in many a checkpoint. */
export const tokenizerConfig = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  bos_token: BOS,
  eos_token: EOS,
  add_bos_token: true,
  clean_up_tokenization_spaces: false,
};
