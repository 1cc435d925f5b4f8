/** HTTP access lines of uvicorn, nginx and their like: requests by route and by status. */
import type { Dialect, DialectLog } from '../dialect.ts';
import { LineTemplate, numbersBefore } from '../line-template.ts';
import type { LogLine } from '../log-line.ts';
import { LF } from '../needles.ts';

const REQUEST = /^([A-Z]{3,7}) ([^ ?]+)(?:\?[^ ]*)? HTTP\/[\d.]+" (\d{3})$/;
/** Distinct request lines kept; more are counted together. */
const MAX_ROUTES = 150;
/** Work, as opposed to health checks and metrics. */
const WORK = /^\/(?:v\d+\/(?!models)|generate|completion|infill|embed|rerank|score|predict)/;

/** Shapes of lines that are known by heart. */
const MAX_SHAPES = 8;

interface Entry {
  n: number;
  readonly first: LogLine;
}

interface Shape {
  readonly template: LineTemplate;
  /** Index of the first number of the request, and its numbers. */
  readonly first: number;
  readonly fixed: readonly number[];
  readonly entry: Entry;
}

export const accessLog: Dialect = {
  name: 'access-log',
  needles: ['HTTP/1.', 'HTTP/2', 'Started server proc', 'shutdown complete', 'Finished server'],
  open(log) {
    const seen = new Map<string, Entry>();
    const shapes: Shape[] = [];
    return {
      skim({ bytes, from, to }) {
        for (let i = 0; i < shapes.length; i += 1) {
          const shape = shapes[i] as Shape;
          const end = shape.template.endOf(bytes, from, to);
          if (end < 0 || end >= to || bytes[end] !== LF || !isSame(shape)) continue;
          shape.entry.n += 1;
          return end;
        }
        return -1;
      },
      line(line, isAlone) {
        const again = shapes.find((shape) => shape.template.matches(line) && isSame(shape));
        if (again) {
          again.entry.n += 1;
          return;
        }
        const key = requestOf(line.text);
        if (key === null) {
          life(line, log);
          return;
        }
        const known = seen.get(key);
        if (known) known.n += 1;
        else if (seen.size < MAX_ROUTES) seen.set(key, { n: 1, first: line.copy() });
        else log.count('requests.other', line, 'requests');
        const entry = seen.get(key);
        const shape = entry && shapeOf(line, key, entry);
        if (shape && isAlone && shapes.length < MAX_SHAPES) shapes.push(shape);
      },
      end() {
        const totals = new Map<string, { n: number; lines: number; first: LogLine }>();
        const add = (name: string, { n, first }: { n: number; first: LogLine }): void => {
          const known = totals.get(name);
          if (known === undefined) totals.set(name, { n, lines: n, first });
          else {
            known.n += n;
            known.lines += n;
            if (first.number < known.first.number) known.first = first;
          }
        };
        for (const [key, entry] of seen) {
          const [, method, route, status] = REQUEST.exec(key) ?? [];
          if (status === undefined) continue;
          add('requests', entry);
          add(`requests.${method} ${route}`, entry);
          add(`status.${status}`, entry);
          if (method === 'POST' && WORK.test(route as string)) add('served', entry);
        }
        for (const [name, { n, lines, first }] of totals) {
          log.fact(name, n, first, { unit: 'requests', from: 'count', lines });
        }
      },
    };
  },
};

/** A uvicorn server begins, and ends in order. */
function life(line: LogLine, log: DialectLog): void {
  if (/Started server process \[\d+\]/.test(line.text)) log.sign('running', 'unfinished', line);
  if (/Application shutdown complete|Finished server process/.test(line.text)) {
    log.sign('final', 'succeeded', line);
  }
}

/** Of the lines that look like this one, those whose request and status have the same numbers. */
function shapeOf(line: LogLine, key: string, entry: Entry): Shape | null {
  const template = LineTemplate.of(line);
  if (template === null) return null;
  const { text } = line;
  const start = text.indexOf(key);
  const after = numbersBefore(text.slice(start), text.length);
  const first = template.values.length - after;
  const fixed = [...template.values.slice(first, first + numbersBefore(key, key.length))];
  return { template, first, fixed, entry };
}

/** After its template has matched: method, route and status are the ones that it stands for. */
function isSame({ template, first, fixed }: Shape): boolean {
  for (let i = 0; i < fixed.length; i += 1) {
    if (template.values[first + i] !== fixed[i]) return false;
  }
  return true;
}

/** `POST /v1/chat/completions HTTP/1.1" 200` of a line, or null. */
function requestOf(text: string): string | null {
  const protocol = text.indexOf(' HTTP/');
  const end = text.indexOf('" ', protocol);
  if (protocol < 0 || end < 0 || end - protocol > 10) return null;
  const start = text.lastIndexOf('"', protocol) + 1;
  if (start === 0 || protocol - start > 300) return null;
  return text.slice(start, end + 5);
}
