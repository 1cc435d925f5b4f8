/**
 * Secrets never reach the disk. Three nets, one after the other: exact values of environment
 * variables with secret names, shapes of known keys, and places where secrets stand (flags,
 * headers, URL user info, query parameters, assignments). Where in doubt too much is hidden.
 */
import { isDoubtfulName, isSecretName, isSecretVariable, looksSecret } from './secret-names.ts';
import {
  AUTHORIZATION,
  isAttachedPassword,
  PLACES,
  type Place,
  SHAPES,
  USER_INFO,
} from './secret-places.ts';

export const REDACTED = '[redacted]';

/** The exact values to hide, as one expression; null when there are none. */
export interface Secrets {
  readonly values: RegExp | null;
}
export const NO_SECRETS: Secrets = { values: null };

/** Shorter values (`1`, `true`, `default`) occur everywhere by chance. */
const MIN_SECRET = 8;

/**
 * The values to hide wherever they appear, if 8 characters or longer: those of all environment
 * variables whose name looks secret, and what stands behind the secret flags of `argv`.
 */
export function secretsOf(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[] = [],
): Secrets {
  const values = new Set<string>();
  const add = (piece: string): void => {
    if (piece.length < MIN_SECRET) return;
    for (const form of [piece, JSON.stringify(piece).slice(1, -1), percentEncoded(piece)]) {
      values.add(form);
    }
  };
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !isSecretVariable(name)) continue;
    // Logs are filtered line by line, so each line of a PEM key is a secret of its own.
    for (const piece of [value, value.trim(), ...value.split(/\r?\n/)]) add(piece);
  }
  for (const word of readArgv(argv)) if (word.secret !== null) add(word.secret);
  if (values.size === 0) return NO_SECRETS;
  // Longest first: of two secrets that start alike, the longer one must win.
  const ordered = [...values].sort((a, b) => b.length - a.length);
  const escaped = ordered.map((value) => value.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return { values: new RegExp(escaped.join('|'), 'g') };
}

function percentEncoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // A lone surrogate has no percent encoding.
    return text;
  }
}

/** Any text: a message, a log line, a value. Idempotent. */
export function redactText(text: string, secrets: Secrets = NO_SECRETS): string {
  let out = secrets.values === null ? text : text.replaceAll(secrets.values, REDACTED);
  for (const shape of SHAPES) out = out.replaceAll(shape, REDACTED);
  out = out.replaceAll(AUTHORIZATION, `$1${REDACTED}`).replaceAll(USER_INFO, `$1${REDACTED}@`);
  return PLACES.reduce(hideAt, out);
}

function hideAt(text: string, { head, value, isSecret, fits }: Place): string {
  let out = '';
  let done = 0;
  for (const match of text.matchAll(head)) {
    const start = match.index + match[0].length;
    if (match.index < done || !isSecret(match.groups?.name ?? '')) continue;
    value.lastIndex = start;
    const standing = value.exec(text)?.[0] ?? '';
    const { length } = standing;
    if (length === 0 || (fits && !fits(standing))) continue;
    out += text.slice(done, start) + REDACTED;
    done = start + length;
  }
  return out + text.slice(done);
}

/** A URL: user info and secret query parameters go, the rest stays as it was typed. */
export function redactUrl(url: string, secrets: Secrets = NO_SECRETS): string {
  return redactText(url, secrets);
}

/** A command line: also `--api-key X`, `--token=X`, `-H 'Authorization: Bearer X'`. */
export function redactArgv(argv: readonly string[], secrets: Secrets = NO_SECRETS): string[] {
  return readArgv(argv).map((word) =>
    word.secret === null
      ? redactText(word.before, secrets)
      : `${redactText(word.before, secrets)}${REDACTED}`,
  );
}

/** Words of their own before a secret: `Authorization: Token X` without quotes. */
const AWAITED = /^(authorization:?|bearer)$/i;
/** Between the two, and only there: elsewhere these are words like others. */
const SCHEME = /^(basic|digest|token|apikey|negotiate)$/i;

/** `Authorization` keeps its scheme, so it is left to redactText. */
function isSecretHeader(name: string): boolean {
  const plain = name.replace(/^-H|:\s*$/g, '');
  return isSecretName(plain) && !/^(proxy-)?authorization$/i.test(plain);
}

function isSecretAssignment(name: string, value: string): boolean {
  return isSecretName(name) || (isDoubtfulName(name) && looksSecret(value));
}

/** Flags with one letter that mean a password for the program that is run, and where it stands. */
function passwordFlags(argv: readonly string[]): ReadonlyMap<string, 'attached' | 'next'> {
  const flags = new Map<string, 'attached' | 'next'>();
  const programs = argv.map((word) => word.replace(/^.*[/\\]/, ''));
  for (const [i, program] of programs.entries()) {
    if (/^(mysql|mariadb)/.test(program)) flags.set('-p', 'attached');
    if (program === 'sshpass') flags.set('-p', 'next');
    if (/^(docker|podman)$/.test(program) && programs[i + 1] === 'login') flags.set('-p', 'next');
    if (program === 'redis-cli') flags.set('-a', 'next');
  }
  return flags;
}

/** Every word as what may be shown and, behind it, what a flag says is secret. */
function readArgv(argv: readonly string[]): { before: string; secret: string | null }[] {
  let nextIsSecret = false;
  let nextIsLogin = false;
  let nextIsDoubtful = false;
  const ofClient = passwordFlags(argv);
  return argv.map((word) => {
    const hidden = nextIsSecret || (nextIsDoubtful && looksSecret(word));
    const login = nextIsLogin ? /^([^\s:/]+:)(?!\d+$|[/~.])(.+)$/s.exec(word) : null;
    nextIsLogin = /^(-u|--user|--proxy-user)$/.test(word);
    nextIsDoubtful = word.startsWith('-') && isDoubtfulName(word);
    if (login) return { before: login[1] ?? '', secret: login[2] ?? '' };
    const flag = /^-{1,2}([A-Za-z][\w.-]*)$/.exec(word)?.[1];
    const short = /^(-[pa])(.*)$/s.exec(word);
    const flagged = short !== null && ofClient.has(short[1] ?? '');
    nextIsSecret =
      (flagged && ofClient.get(short[1] ?? '') === 'next' && short[2] === '') ||
      (flag !== undefined && isSecretName(flag)) ||
      AWAITED.test(word) ||
      (hidden && SCHEME.test(word));
    if (hidden && !nextIsSecret) return { before: '', secret: word };
    const [, letter = '', attached = ''] = short ?? [];
    if (attached !== '' && (flagged || (letter === '-p' && isAttachedPassword(attached)))) {
      return { before: letter, secret: attached };
    }
    const attachedLogin = /^(-u[^\s:/]+:)(?!\d+$|[/~.])(.+)$/s.exec(word);
    if (attachedLogin) return { before: attachedLogin[1] ?? '', secret: attachedLogin[2] ?? '' };
    const header = /^((?:-H)?[A-Za-z][\w-]{0,63}:\s*)(.+)$/s.exec(word);
    if (header !== null && isSecretHeader(header[1] ?? '')) {
      return { before: header[1] ?? '', secret: header[2] ?? '' };
    }
    const assigned = /^(-{0,2}([A-Za-z_][\w.-]*)=)(.+)$/s.exec(word);
    if (assigned !== null && isSecretAssignment(assigned[2] ?? '', assigned[3] ?? '')) {
      return { before: assigned[1] ?? '', secret: assigned[3] ?? '' };
    }
    return { before: word, secret: null };
  });
}

/**
 * A JSON value that a user wrote: every string, every member name, and whatever stands under a
 * secret name. Lists of strings are treated as command lines. Returns a copy.
 */
export function redactDeep<T>(value: T, secrets: Secrets = NO_SECRETS): T {
  return deep(value, { secrets, byName: true, hidden: false }) as T;
}

/** As redactDeep, for values whose member names are ours (`nllPerToken` hides nothing). */
export function redactStrings<T>(value: T, secrets: Secrets = NO_SECRETS): T {
  return deep(value, { secrets, byName: false, hidden: false }) as T;
}

interface DeepContext {
  readonly secrets: Secrets;
  readonly byName: boolean;
  /** Below a member with a secret name. */
  readonly hidden: boolean;
}

function deep(value: unknown, context: DeepContext): unknown {
  const { secrets, byName, hidden } = context;
  if (typeof value === 'string') return hidden ? REDACTED : redactText(value, secrets);
  // Small numbers under such a name are counts (`token: 128`).
  if (typeof value === 'number') return hidden && !(Math.abs(value) < 1e6) ? REDACTED : value;
  if (Array.isArray(value)) {
    if (byName && !hidden && value.every((item) => typeof item === 'string')) {
      return redactArgv(value as string[], secrets);
    }
    return value.map((item) => deep(item, context));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      redactText(name, secrets),
      deep(member, { ...context, hidden: hidden || (byName && isSecretName(name)) }),
    ]),
  );
}
