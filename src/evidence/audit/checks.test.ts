/** Single statements, as small as they can be: what each check says, and when it is silent. */
import { describe, expect, it } from 'vitest';
import { auditDocument } from './audit.ts';
import { readDocument } from './read-document.ts';

function found(text: string, name = 'a.md'): string[] {
  const document = readDocument(text, { path: name, absolutePath: `/none/${name}` });
  const { findings } = auditDocument(document, { documents: [document], logs: null });
  return findings.map((f) => `${f.severity} ${f.check}`);
}

const table = (...rows: string[]): string =>
  [rows[0], (rows[0] as string).replaceAll(/[^|]+/g, '--'), ...rows.slice(1)].join('\n');

describe('refuted', () => {
  it.each([
    ['exp(loss)', '- Loss: 1.00\n- Perplexity: 2.90', 'perplexity-loss'],
    ['a fraction', '- Done: 66% (28/44)', 'fraction'],
    ['correct of total', '{"correct": 47, "total": 100, "accuracy": 0.48}', 'fraction'],
    ['a reduction in an arrow', 'Memory: 4.0 GB → 2.0 GB (60% less)', 'reduction'],
    ['a speedup in an arrow', 'Latency 69.44 ms → 41.01 ms, 1.89×', 'reduction'],
    ['log(n) in the wrong base', 'at most log2(60) = 4.094', 'entropy'],
    ['bits that are nats', 'log(60) = 4.094 bits', 'entropy'],
    ['an entropy above its maximum', '- Entropy: 6.1 bits\n- Max entropy: 5.907 bits', 'entropy'],
    ['a time as the spread of a rate', '- Speed: 28.4 tok/s ± 0.05 s', 'spread'],
    ['an interval of another n', '{"std_ms": 2.0, "total_runs": 100, "ci95": 0.9}', 'spread'],
    ['a percentile out of order', '- P50 latency: 40 ms\n- P99 latency: 30 ms', 'percentile-order'],
    [
      'weights that do not fit',
      '- Model: acme/A-7B\n- Data type: bf16\n- Peak VRAM: 9 GB',
      'weights-in-memory',
    ],
    [
      'a cost',
      '- Price per hour: $1.89\n- Throughput: 273.81 samples/s\n- Cost per 1K: 0.0025',
      'cost',
    ],
    ['a total row', table('|a|Requests|', '|x|3|', '|y|4|', '|Total|8|'), 'sum'],
    [
      'a total of names',
      '- Total models evaluated: 3\n# A\n- Model: A\n# B\n- Model: B',
      'count-of-names',
    ],
  ])('%s', (_, text, check) => {
    expect(found(text, text.startsWith('{') ? 'a.json' : 'a.md')).toContain(`refuted ${check}`);
  });
});

describe('silent, because a condition of the identity is not met', () => {
  it.each([
    ['loss of training, perplexity of validation', '- Train loss: 1.0\n- Val perplexity: 9.1'],
    ['a perplexity per word', '- Loss: 1.0\n- Perplexity per word: 9.1'],
    ['progress', 'Epoch 3/10: 45%'],
    ['a percentage as spread', '- Speed: 28.4 tok/s ± 3%'],
    [
      'a model on several cards',
      'Run on 4x A100.\n\n- Model: acme/A-7B\n- Data type: bf16\n- Peak VRAM: 9 GB',
    ],
    ['a table without a baseline', table('|Model|tok/s|Speedup|', '|A|10|1.5x|', '|B|30|2.5x|')],
    [
      'another thing in the two rates',
      '- Request throughput: 2 req/s\n- Total tokens: 900\n- Duration: 10 s',
    ],
    [
      'a signed reduction',
      table('|Scheme|Memory (GB)|Memory reduction|', '|FP16|4.0|-|', '|INT8|2.0|-50%|'),
    ],
    [
      'points of accuracy',
      table('|Scheme|Accuracy (%)|Accuracy degradation|', '|FP16|92.0|-|', '|INT8|90.8|1.2%|'),
    ],
    [
      'minutes and hours in one total',
      table('|a|Mean latency (ms)|', '|x|3|', '|y|4|', '|Total|8|'),
    ],
  ])('%s', (_, text) => expect(found(text)).toEqual([]));
});

describe('suspicious', () => {
  it('a speedup between two machines, or two batch sizes', () => {
    const rows = (column: string, a: string, b: string): string =>
      table(`|Precision|${column}|tok/s|Speedup|`, `|FP16|${a}|10|1.0x|`, `|INT8|${b}|20|2.0x|`);
    expect(found(rows('GPU', 'T4', 'A100'))).toContain('suspicious speedup');
    expect(found(rows('Batch size', '1', '32'))).toContain('suspicious speedup');
    expect(found(rows('GPU', 'T4', 'T4'))).toEqual([]);
  });
});

describe('encodings', () => {
  it('UTF-8 with invalid bytes is read, and said', () => {
    const text = Buffer.from([0x61, 0xff, 0x62]).toString('utf8');
    const document = readDocument(text, { path: 'a.md', absolutePath: '/none/a.md' });
    expect(document.encoding).toContain('invalid bytes');
  });
});
