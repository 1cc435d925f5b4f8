/** What secrets look like, and where they stand in a text. */
import { isDoubtfulName, isSecretName, isSecretParameter, looksSecret } from './secret-names.ts';

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
  /(?<=\b(?:[Bb]asic|BASIC)\s{1,4})(?=[\w+/]*[A-Z])(?=[\w+/]*\d)[\w+/]{8,}={0,2}/g,
  /AGE-SECRET-KEY-1[0-9A-Z]{20,}/g,
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
  /** Where the name leaves it open. Then `value` is bounded: it is read at every such name. */
  readonly fits?: (value: string) => boolean;
}
/** Behind `-p`: neither `-print`, nor `-p8000:80`, nor `-p/path`, nor `-p=5`. */
export function isAttachedPassword(value: string): boolean {
  return (
    /^[^\s/.~=:,[<-]{6,}$/.test(value) && /[A-Z\d!@#$%^&*]/.test(value) && /[A-Za-z]/.test(value)
  );
}

/** In free text a bare `token: 5` is a count: only names that cannot mean one. */
const ASSIGNED_NAMES: readonly RegExp[] = [
  /(api|access|secret|private|auth|refresh|session|hf|hub|bearer|client)[-_]?(key|token)/i,
  /passw(or)?d|passphrase|secret/i,
  /^[A-Z][A-Z0-9_]*_(KEY|TOKEN|CREDENTIALS?|PWD)$/,
  /^(set-)?cookie$|^[a-z-]+-(subscription-key|token)$/i,
  /^account[-_]?key$|^[a-z]+[-_](api|account|signing|encryption)[-_]?key$/i,
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
  {
    head: /(?<![\w.-])(?<name>[A-Za-z_][\w-]{0,15})["']?\s{0,2}[=:]\s{0,2}(?!\[redacted\])/g,
    value: /"[^"]{1,512}"|'[^']{1,512}'|\S{1,512}/y,
    isSecret: isDoubtfulName,
    fits: looksSecret,
  },
  {
    // `token=X` written without a space is an assignment; `token: X` is a sentence about tokens.
    head: /(?<![\w.-])(?<name>token|pwd)=(?!\[redacted\])/gi,
    value: /[\w+/~-]{6,512}/y,
    isSecret: () => true,
    fits: (value) => !/^\d+$|^[/~]/.test(value),
  },
  {
    head: new RegExp(
      String.raw`(?<![\w-])(?<name>api[ _-]?key|password|passphrase|secret|token)` +
        String.raw`\s+is:?\s+(?!\[redacted\])`,
      'gi',
    ),
    value: /\S{6,512}/y,
    isSecret: () => true,
    fits: (value) => /\d/.test(value),
  },
  {
    // mysql -pX, sshpass -p X, docker login -p X, redis-cli -a X.
    head: new RegExp(
      String.raw`\b(?<name>(?:mysql\w*|mariadb\w*|sshpass)\b[^|;&\n]{0,200}?\s-p|sshpass\s+-p\s+|` +
        String.raw`(?:docker|podman)\s+login\b[^|;&\n]{0,200}?\s-p\s*|` +
        String.raw`redis-cli\b[^|;&\n]{0,200}?\s-a\s+)(?!\[redacted\])(?=\S)`,
      'g',
    ),
    value: /"[^"]*"|'[^']*'|\S+/y,
    isSecret: () => true,
  },
  {
    // -pX of any other program: a port, a path or a word of small letters is none.
    head: /(?<![\w-])-p(?<name>)(?!\[redacted\])(?=\S)/g,
    value: /\S{1,512}/y,
    isSecret: () => true,
    fits: isAttachedPassword,
  },
];
