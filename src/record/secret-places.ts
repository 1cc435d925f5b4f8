/** What secrets look like, and where they stand in a text. */
import { isSecretName, isSecretParameter } from './secret-names.ts';

/** Keys that can be known by their shape alone. Quantifiers are bounded below, so no name fits. */
export const SHAPES: readonly RegExp[] = [
  /hf_[A-Za-z0-9]{20,}/g,
  // `sk-` ends many words (risk-, task-): not behind a letter or digit, unless that ends a %XX.
  /(?<![A-Za-z0-9](?<!%[0-9A-Fa-f]{2}))sk-[A-Za-z0-9_-]{16,}/g,
  /gh[opsur]_[A-Za-z0-9]{20,}/g,
  /github_pat_\w{20,}/g,
  /glpat-[\w-]{16,}/g,
  /xox[abeoprs]-[\w-]{10,}/g,
  /(?:AKIA|ASIA)[0-9A-Z]{16}/g,
  /AIza[\w-]{30,}/g,
  /ya29\.[\w-]{20,}/g,
  /(?:npm|gsk)_[A-Za-z0-9]{30,}/g,
  /nvapi-[\w-]{20,}/g,
  /(?<![A-Za-z0-9](?<!%[0-9A-Fa-f]{2}))(?:r8|api_org|dop_v1|[sr]k_(?:live|test))_[A-Za-z0-9]{16,}/g,
  /pypi-[\w-]{20,}/g,
  /SG\.[\w-]{16,}\.[\w-]{16,}/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
  /eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g,
  /(?<=\bbearer\s{1,4})[\w.~+/=-]{8,}/gi,
];

/** The scheme stays, what follows goes; a scheme alone is no credential. */
const SCHEME = '(?:bearer|basic|digest|token|negotiate|apikey|aws4-hmac-sha256)';
export const AUTHORIZATION = new RegExp(
  String.raw`(authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:${SCHEME}\s{1,4})?)` +
    String.raw`(?!\[redacted\]|${SCHEME}\s)[^\s"']+`,
  'gi',
);
export const USER_INFO = /(:\/\/)(?!\[redacted\]@)[^\s/?#]{1,1000}@/g;

/** `?name=`, `--name `, `"name": `: what stands before a value that the name may make a secret. */
export interface Place {
  /** Ends where the value starts; group `name`. The value is no part of it: it may hold a place. */
  readonly head: RegExp;
  readonly value: RegExp;
  readonly isSecret: (name: string) => boolean;
}
/** In free text a bare `token: 5` is a count: only names that cannot mean one. */
const ASSIGNED_NAMES: readonly RegExp[] = [
  /(api|access|secret|private|auth|refresh|session|hf|hub|bearer|client)[-_]?(key|token)/i,
  /passw(or)?d|passphrase|secret/i,
  /^[A-Z][A-Z0-9_]*_(KEY|TOKEN|CREDENTIALS?|PWD)$/,
  /^(set-)?cookie$|^[a-z-]+-(subscription-key|token)$/i,
];

export const PLACES: readonly Place[] = [
  {
    // Of AWS signatures and cookies all parts: the rest of the line, or what the quotes hold.
    head: /(?<name>aws4-hmac-sha256|cookie:)\s{1,4}(?!\[redacted\])/gi,
    value: /[^"'\r\n]+/y,
    isSecret: () => true,
  },
  {
    // curl -u NAME:PASSWORD; two numbers are ids of user and group.
    head: new RegExp(
      String.raw`(?<![\w-])(?:-u|--user|--proxy-user)(?:\s{1,4}|=)["']?` +
        String.raw`(?<name>[^\s:"']{1,64}):(?!\[redacted\]|[/~.]|\d+(?:\W|$))`,
      'g',
    ),
    value: /[^\s"']+/y,
    isSecret: () => true,
  },
  {
    // A quoted name before a quoted word; in free text the same name may be a count.
    head: /"(?<name>[\w.-]{1,64})"\s{0,2}:\s{0,2}"(?!\[redacted\])/g,
    value: /[^\s"]{8,}(?=")/y,
    isSecret: isSecretName,
  },
  {
    head: /[?&;#](?<name>[\w.%-]{1,64})=(?!\[redacted\])/g,
    value: /[^&\s"<>]+/y,
    isSecret: isSecretParameter,
  },
  {
    head: /(?<![\w-])--?(?<name>[A-Za-z][\w-]{0,63})(?:\s{1,4}|=)(?!\[redacted\])/g,
    value: /\S+/y,
    isSecret: isSecretName,
  },
  {
    head: /(?<![\w.-])(?<name>[A-Za-z_][\w-]{0,63})["']?\s{0,2}[=:]\s{0,2}(?!\[redacted\])/g,
    value: /"[^"]*"|'[^']*'|\S+/y,
    isSecret: (name) => ASSIGNED_NAMES.some((pattern) => pattern.test(name)),
  },
];
