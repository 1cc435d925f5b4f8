/** Which names say that their value is a secret. */

/** Anywhere in a name: `clientSecret`, `db_password_2`. */
const SECRET_WORDS = new Set([
  ...['secret', 'secrets', 'password', 'passwd', 'pwd', 'passphrase', 'passcode', 'credential'],
  ...['credentials', 'authorization', 'apikey', 'bearer'],
]);
/** Only as the last word: `hf-token` is a secret, `token-accuracy` is a measure. */
const SECRET_LAST = new Set(['token', 'signature', 'sig', 'auth', 'cookie']);
/** `key` alone names map keys and cell keys; behind one of these it names a secret. */
const KEY_OWNERS = new Set([
  ...['api', 'access', 'secret', 'private', 'auth', 'encryption', 'signing', 'subscription'],
  ...['account', 'master', 'service', 'hf', 'hub', 'openai', 'anthropic', 'license', 'wandb'],
  ...['azure', 'aws', 'gemini', 'google', 'groq', 'mistral', 'cohere', 'ngc', 'nvidia', 'storage'],
]);
/** The name of something about a secret. */
const HARMLESS_LAST = new Set(['file', 'path', 'dir', 'ids', 'id', 'count', 'type', 'name']);
/** Before `token`: one that a tokenizer or a stopwatch knows. */
const VOCABULARY = new Set([
  ...['eos', 'bos', 'pad', 'unk', 'mask', 'sep', 'cls', 'stop', 'special', 'per', 'first', 'next'],
  ...['last', 'inter', 'output', 'input', 'time', 'prompt'],
]);

/** For flags, header names and object members: `api-key`, `apiKey`, `X-Api-Key`, `HF_TOKEN`. */
export function isSecretName(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  const last = words.at(-1) ?? '';
  if (HARMLESS_LAST.has(last)) return false;
  if (words.length === 1 && last === 'pass') return true;
  if (SECRET_LAST.has(last) && !VOCABULARY.has(words.at(-2) ?? '')) return true;
  return words.some(
    (word, i) => SECRET_WORDS.has(word) || (word === 'key' && KEY_OWNERS.has(words[i - 1] ?? '')),
  );
}

/** In a URL's query `key` and `code` are secrets as well. */
export function isSecretParameter(name: string): boolean {
  const plain = name.replaceAll(/%([2-7][0-9a-f])/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return isSecretName(plain) || /^(key|code|assertion|x-amz-credential)$/i.test(plain);
}

/** Names that mean a secret or something harmless: what stands there decides. */
export function isDoubtfulName(name: string): boolean {
  return /^-{0,2}(key|token|pwd|session|session[-_]?id|sid|sig|pass|access)$/i.test(name);
}

/** Letters and digits mixed, as keys are, and not a path, a scheme or a name with dots. */
export function looksSecret(value: string): boolean {
  const plain = value.replaceAll(/^["']|["'.,;)]+$/g, '');
  if (!/^[\w+/=~!@#$%^&*-]{8,}$/.test(plain) || /^[/~]|^(?:u?int|fp|bf|f)\d/i.test(plain))
    return false;
  if (/^[a-z]+(?:_[a-z]+)+_?\d*$/.test(plain)) return false;
  return /\d/.test(plain) && /[A-Za-z]/.test(plain);
}

/** Wider than for flags: hiding a harmless value costs nothing there. */
export function isSecretVariable(name: string): boolean {
  return /KEY|TOKEN(?!IZ)|SECRET|PASSW|PASSPHRASE|CREDENTIAL|_PWD$/i.test(name);
}
