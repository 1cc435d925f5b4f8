/** Documents to score: one .txt file is one document, one JSONL row is one document. */
import { FormatError } from '../../record/errors.ts';
import type { Finding } from '../../record/schema.ts';
import { type JsonlRow, parseJsonl, readTextFile } from '../jsonl.ts';

/** Text gets the tokenizer's own special tokens; `ids` are scored as they are. */
export type Document = { readonly text: string } | { readonly ids: readonly number[] };

/** Throws FormatError for a corpus that is missing, malformed or empty. */
export async function loadCorpus(path: string): Promise<Document[]> {
  const text = await readTextFile(path);
  const documents = /\.(jsonl|ndjson)$/i.test(path)
    ? parseJsonl(text, path).map((row) => documentOf(row, path))
    : [{ text }];
  if (documents.length === 0 || documents.every(isEmpty)) {
    throw new FormatError(`${path}: the corpus is empty`, {
      hint: 'a document needs at least two tokens: the first is context, the second is scored',
      details: { path },
    });
  }
  return documents;
}

function isEmpty(document: Document): boolean {
  return 'text' in document ? document.text.trim() === '' : document.ids.length === 0;
}

function documentOf({ line, value }: JsonlRow, path: string): Document {
  if (Array.isArray(value.input_ids)) {
    const bad = value.input_ids.findIndex((id) => !Number.isSafeInteger(id) || id < 0);
    if (bad >= 0) {
      const found = JSON.stringify(value.input_ids[bad]);
      throw new FormatError(`${path}:${line}: input_ids[${bad}] is ${found}, not a token id`, {
        hint: 'token ids are whole numbers from 0 up to the size of the vocabulary',
        details: { path, line, index: bad },
      });
    }
    return { ids: value.input_ids as number[] };
  }
  if (typeof value.text === 'string') return { text: value.text };
  throw new FormatError(`${path}:${line}: a row needs "text" (string) or "input_ids" (array)`, {
    hint: 'rename the field that holds the document to "text"',
    details: { path, line, keys: Object.keys(value) },
  });
}

const GRAM = 16;
/** Natural text keeps well above 0.9; one paragraph over and over falls below 0.1. */
const DISTINCT_FLOOR = 0.5;
const MAX_GRAMS = 1_000_000;

/**
 * A text that repeats itself is predicted from its own context: perplexity 1.02 then says nothing
 * about language. Counts distinct 16-token sequences (32-bit hashes: at 10⁶ sequences about 0.01 %
 * collide) over the first million.
 */
export function degenerateFinding(documents: readonly (readonly number[])[]): Finding | null {
  const seen = new Set<number>();
  let total = 0;
  for (const ids of documents) {
    for (let i = 0; i + GRAM <= ids.length && total < MAX_GRAMS; i++) {
      let hash = 0x811c9dc5;
      for (let j = i; j < i + GRAM; j++) hash = Math.imul(hash ^ (ids[j] as number), 0x01000193);
      seen.add(hash);
      total++;
    }
  }
  if (total < 200 || seen.size / total >= DISTINCT_FLOOR) return null;
  const share = ((100 * seen.size) / total).toFixed(1);
  return {
    code: 'degenerate-corpus',
    severity: 'warning',
    message:
      `the corpus repeats itself: of ${total} sequences of ${GRAM} tokens only ${seen.size} ` +
      `(${share} %) are distinct; its perplexity measures copying from context, not language`,
    evidence: { sequences: total, distinct: seen.size, length: GRAM },
  };
}
