/** Checks requests before anything runs; all problems of a batch are reported at once. */
import { UsageError } from '../../record/errors.ts';
import type { GenerateRequest, TokenWindow } from '../engine.ts';
import type { Architecture } from './architecture.ts';

const HINT = 'The ids must come from the tokenizer of this model, within its context length.';
const MOST_SHOWN = 10;

function fail(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const shown = problems.slice(0, MOST_SHOWN);
  if (shown.length < problems.length) shown.push(`… and ${problems.length - shown.length} more`);
  throw new UsageError(shown, { hint: HINT, details: { problems: problems.length } });
}

/** Problems of one row of ids; `room` tokens will follow it. */
function rowProblems(
  arch: Architecture,
  row: { name: string; ids: readonly number[]; room: number },
): string[] {
  const { name, ids, room } = row;
  if (ids.length === 0) return [`${name} has no tokens`];
  const problems: string[] = [];
  const bad = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < arch.vocabSize));
  if (bad >= 0) {
    const range = `0 … ${arch.vocabSize - 1}`;
    problems.push(`${name}: token ${bad} has id ${ids[bad]}, the vocabulary is ${range}`);
  }
  if (ids.length + room > arch.maxPositions) {
    const sum = room > 0 ? `${ids.length} tokens + ${room} new` : `${ids.length} tokens`;
    problems.push(`${name}: ${sum} exceed the model's ${arch.maxPositions} positions`);
  }
  return problems;
}

export function checkWindows(arch: Architecture, windows: readonly TokenWindow[]): void {
  const problems = windows.flatMap(({ ids, scoreFrom }, index) => {
    const name = `window ${index}`;
    const found = rowProblems(arch, { name, ids, room: 0 });
    if (!Number.isInteger(scoreFrom) || scoreFrom < 1 || scoreFrom > ids.length) {
      found.push(`${name}: scoreFrom ${scoreFrom} must lie in 1 … ${ids.length}`);
    }
    return found;
  });
  fail(problems);
}

export function checkRows(arch: Architecture, rows: readonly (readonly number[])[]): void {
  fail(rows.flatMap((ids, index) => rowProblems(arch, { name: `row ${index}`, ids, room: 0 })));
}

export function checkRequests(arch: Architecture, batch: readonly GenerateRequest[]): void {
  const problems = batch.flatMap((request, index) => {
    const name = `request ${index}`;
    const { ids, maxNewTokens, temperature = 0, topK, topP, seed } = request;
    const whole = Number.isInteger(maxNewTokens) && maxNewTokens >= 1;
    const found = whole ? [] : [`${name}: maxNewTokens ${maxNewTokens} must be 1 or more`];
    // The last new token is reported but never fed.
    found.push(...rowProblems(arch, { name, ids, room: whole ? maxNewTokens - 1 : 0 }));
    if (!(temperature >= 0 && Number.isFinite(temperature))) {
      found.push(`${name}: temperature ${temperature} must be 0 or more`);
    }
    if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) {
      found.push(`${name}: topK ${topK} must be 1 or more`);
    }
    if (topP !== undefined && !(topP > 0 && topP <= 1)) {
      found.push(`${name}: topP ${topP} must lie above 0 and at most at 1`);
    }
    if (seed !== undefined && !Number.isSafeInteger(seed)) {
      found.push(`${name}: seed ${seed} must be an integer`);
    }
    return found;
  });
  fail(problems);
}
