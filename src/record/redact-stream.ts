/** The way of a child's output into run.log and run.err: line by line, without its secrets. */

import { Transform } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { NO_SECRETS, REDACTED, redactText, type Secrets } from './redact.ts';

/** A longer line is passed on in parts. */
const MAX_LINE = 1 << 20;
/** Held back when a long line is cut, so that a secret that is still arriving is not cut in two. */
const HELD_BACK = 4096;
const CUT_ATTEMPTS = 64;

/**
 * A stream that redacts whole lines (ended by \n or \r), so that a secret split over two chunks is
 * still found. Output is UTF-8; the text is unchanged but for what was redacted.
 */
export function redactingLineFilter(secrets: Secrets = NO_SECRETS): Transform {
  const decoder = new StringDecoder('utf8');
  let held = '';
  const redactLine = lineRedactor(secrets);
  const take = (text: string): string => {
    held += text;
    const end = Math.max(held.lastIndexOf('\n'), held.lastIndexOf('\r')) + 1;
    const lines = redactLines(held.slice(0, end), redactLine);
    held = held.slice(end);
    if (held.length <= MAX_LINE) return lines;
    const cut = safeCut(held, secrets);
    const part = cut > 0 ? redactText(held.slice(0, cut), secrets) : unsafe(held.length);
    held = cut > 0 ? held.slice(cut) : '';
    return lines + part;
  };
  return new Transform({
    transform(chunk: Buffer | string, _encoding, done) {
      done(null, take(typeof chunk === 'string' ? chunk : decoder.write(chunk)));
    },
    flush(done) {
      const rest = take(decoder.end()) + redactText(held, secrets);
      done(null, rest);
    },
  });
}

/** A PEM block is longer than any: 16,384 bits take some 200 lines. */
const MAX_KEY_LINES = 400;
const KEY_BEGINS = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/;
const KEY_ENDS = /-----END [A-Z ]{0,40}PRIVATE KEY-----/;
/** Base64, a header of an encrypted key, or nothing. */
const KEY_LINE = /^\s*(?:[A-Za-z0-9+/=]*|[A-Z][A-Za-z-]+: .*)\s*$/;

/** Line by line, and a private key over all its lines. */
function lineRedactor(secrets: Secrets): (line: string) => string {
  let keyLines = 0;
  return (line) => {
    const [begins, ends] = [KEY_BEGINS.test(line), KEY_ENDS.test(line)];
    const inside = keyLines > 0 && (ends || KEY_LINE.test(line));
    keyLines = inside ? keyLines - 1 : 0;
    if (begins) keyLines = MAX_KEY_LINES;
    if (ends) keyLines = 0;
    if (inside) return line === '' ? '' : REDACTED;
    return redactText(line, secrets);
  };
}

function redactLines(text: string, redactLine: (line: string) => string): string {
  if (text === '') return '';
  return text
    .split(/(?<=[\n\r])/)
    .map((line) => {
      const body = line.replace(/[\n\r]$/, '');
      return redactLine(body) + line.slice(body.length);
    })
    .join('');
}

/** A place where cutting changes nothing in what is redacted; 0 when none is found. */
function safeCut(line: string, secrets: Secrets): number {
  const whole = redactText(line, secrets);
  let at = line.length - HELD_BACK;
  for (let attempt = 0; attempt < CUT_ATTEMPTS; attempt += 1) {
    at = line.lastIndexOf(' ', at - 1);
    if (at <= 0) return 0;
    if (redactText(line.slice(0, at), secrets) + redactText(line.slice(at), secrets) === whole) {
      return at;
    }
  }
  return 0;
}

function unsafe(length: number): string {
  return `[${length} characters without a break were left out]\n`;
}
