/** Load balancers that someone wrote: lines that send a request to a `host:port`. */
import type { Dialect } from '../dialect.ts';

const VERBS = [
  ...['rout(?:ed|ing|e)', 'forward(?:ed|ing)?', 'dispatch(?:ed|ing)?', 'prox(?:y|ied|ying)'],
  ...['send(?:ing)?', 'sent', 'select(?:ed|ing)?', 'assign(?:ed|ing)?', 'using'],
].join('|');
const TARGET = String.raw`(?:https?:\/\/)?\b((?:[\w-]+\.)*[\w-]+:\d{2,5})\b`;
const ROUTED = new RegExp(String.raw`\b(?:${VERBS})\b.{0,120}?${TARGET}`, 'i');
const BACKEND_LOST = new RegExp(
  String.raw`\b(?:backend|server|upstream|instance|worker)\b.{0,80}` +
    String.raw`\b(?:unhealthy|down|unreachable|failed|timed out|refused)\b`,
  'i',
);
const MAX_TARGETS = 256;

export const loadBalancer: Dialect = {
  name: 'load-balancer',
  needles: [
    ...['outing ', 'outed ', 'oute ', 'orward', 'ispatch', 'roxy', 'roxied', 'ending request'],
    ...['elected ', 'electing ', 'ssigned', 'backend', 'Backend', 'upstream', 'unhealthy'],
  ],
  open(log) {
    const targets = new Set<string>();
    return {
      line(line) {
        const text = line.text.slice(0, 1000);
        const target = ROUTED.exec(text)?.[1];
        if (target !== undefined && !/^\d\d?:\d\d$/.test(target)) {
          if (targets.size < MAX_TARGETS) targets.add(target);
          log.count('routed', line, 'requests');
          if (targets.has(target)) log.count(`routed.${target}`, line, 'requests');
        } else if (BACKEND_LOST.test(text)) {
          log.count('troubles', line, 'lines');
        }
      },
    };
  },
};
