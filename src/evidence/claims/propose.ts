/** Claims that the logs of a directory should be able to decide, from what their dialects know. */
import { stringify } from 'yaml';
import type { LogFile, LogIndex } from '../../logs/log-index.ts';
import type { Claim, Subject } from './spec.ts';

type Proposed = Partial<Claim> & { claim: string };

/** Facts that a reader asks for, and what they prove. Others are shown by `assay logs show`. */
const FACTS: readonly (readonly [string, string])[] = [
  ['vllm.modelMemory', 'the model was loaded'],
  ['vllm.kvCache', 'the KV cache has this size'],
  ['vllm.readyAfter', 'the server was ready after this many seconds'],
  ['vllm.kvUse.max', 'memory use during the evaluation: peak use of the KV cache'],
  ['vllm.running.max', 'requests at work at once'],
  ['access-log.served', 'requests were handled'],
  ['access-log.status.200', 'requests were answered with 200'],
  ['plain.count.samples', 'calibration data was loaded'],
  ['plain.truncatedTo', 'samples were truncated to this many tokens'],
  ['plain.Quantized Layers Processed', 'weights were dequantized'],
  ['plain.Standard Layers Copied', 'the other tensors were copied'],
  ['llm-compressor.modulesCompressed', 'modules were quantized'],
  ['llm-compressor.stages', 'every stage of the calibration ran'],
  ['vllm-bench.requestThroughput', 'the benchmark reached this rate'],
  ['locust.requests', 'requests of the load test'],
  ['lm-eval.samples', 'items were evaluated'],
];

/** What a log of that work has to show, whatever its program: by words of its name. */
const EXPECTED: readonly {
  readonly name: RegExp;
  readonly not?: RegExp;
  readonly claims: readonly Proposed[];
}[] = [
  {
    name: /quant/i,
    claims: [
      { claim: 'the quantized model was saved', matches: '(?i)\\b(saving|saved|written to)\\b' },
      {
        claim: 'progress of the layers was logged',
        matches: '(?i)(layer|module|shard).{0,40}\\d+/\\d+|\\d+it \\[|\\d+%',
      },
    ],
  },
  {
    name: /dequant|autopsy/i,
    claims: [
      {
        claim: 'an autopsy of the weights was logged (mean near 0, a standard deviation)',
        matches: '(?i)\\b(mean|std)\\b',
      },
    ],
  },
  {
    name: /vllm|server|serve/i,
    claims: [
      { claim: 'the model was loaded', matches: '(?i)model (loading took|weights took|loaded)' },
      {
        claim: 'response times were logged',
        matches: '(?i)\\b(latency|response time|ttft|e2e)\\b',
      },
    ],
  },
];

/** Proposals for every log that is not empty, in the order of the index. */
export function proposeClaims(index: LogIndex): Proposed[] {
  return index.files.flatMap((file) => [
    ...outcomeClaims(file),
    ...factClaims(file),
    ...expectedClaims(file),
  ]);
}

const about = (file: LogFile): Subject => ({ file: file.path });

function outcomeClaims(file: LogFile): Proposed[] {
  const name = file.path;
  if (/\.(?:err|stderr)$/.test(name) && file.durationFrom !== 'epilog') return [];
  const proposed: Proposed[] = [
    { claim: `${name}: it succeeded`, subject: about(file), outcome: 'succeeded' },
  ];
  if (file.durationS !== null) {
    const duration = Math.round(file.durationS);
    proposed.push({ claim: `${name}: how long it took`, subject: about(file), duration });
  }
  return proposed;
}

function factClaims(file: LogFile): Proposed[] {
  return FACTS.flatMap(([fact, says]): Proposed[] => {
    const found = file.facts[fact];
    if (!found || typeof found.value !== 'number') return [];
    const unit = found.unit ? ` (${found.unit})` : '';
    return [
      {
        claim: `${file.path}: ${says}${unit}`,
        subject: { ...about(file), fact },
        value: found.value,
      },
    ];
  });
}

function expectedClaims(file: LogFile): Proposed[] {
  const clean = `${file.path}: no error was logged`;
  const errors = { claim: clean, subject: about(file), absent: 'Traceback|Error:' };
  return [errors, ...workClaims(file)];
}

/** What the work of that name has to show; a stderr shows none of it. */
function workClaims(file: LogFile): Proposed[] {
  if (/\.(?:err|stderr)$/.test(file.path)) return [];
  return EXPECTED.filter(({ name }) => name.test(file.path)).flatMap(({ claims }) =>
    claims.map((c) => ({ ...c, claim: `${file.path}: ${c.claim}`, subject: about(file) })),
  );
}

const HEAD = `# Claims about logs: \`assay claims check\` decides each of them from its evidence.
# Proposed from what the logs say; edit, remove, and add your own (docs/claims.md).
`;

export function claimsFile(claims: readonly Proposed[], logs: string): string {
  return `${HEAD}\n${stringify({ logs, claims }, { lineWidth: 100 })}`;
}
