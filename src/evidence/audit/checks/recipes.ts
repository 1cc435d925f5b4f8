/** grep recipes of a document: what do they find? Run by our own matcher, never by a shell. */
import { compilePattern, type Pattern } from '../../line-search.ts';
import { type LogEvidence, matchesIn, type Resolved, resolveGlob } from '../../log-evidence.ts';
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { type Recipe, recipesIn } from '../recipe.ts';

export const recipeCheck: Check = {
  name: 'recipe',
  says: 'a grep that the document gives finds something in the logs',
  run(document, { logs }) {
    const judge = new Judge(this.name, document);
    const recipes = recipesIn(document.code);
    if (!logs) return judge.verdicts;
    for (const turns of byCommand(recipes)) runRecipe(judge, turns, logs);
    return judge.verdicts;
  },
};

/** The turns of a loop are one recipe. */
function byCommand(recipes: readonly Recipe[]): Recipe[][] {
  const lines = new Map<number, Recipe[]>();
  for (const recipe of recipes) {
    lines.set(recipe.line, [...(lines.get(recipe.line) ?? []), recipe]);
  }
  return [...lines.values()];
}

function runRecipe(judge: Judge, turns: readonly Recipe[], logs: LogEvidence): void {
  const [recipe] = turns as [Recipe, ...Recipe[]];
  const place = { line: recipe.line, column: recipe.column, width: 4 };
  let pattern: Pattern;
  try {
    pattern = compilePattern(recipe.pattern, { ignoreCase: recipe.ignoreCase });
  } catch (error) {
    judge.found({
      severity: 'not-evidenced',
      place,
      written: recipe.text,
      arithmetic: (error as Error).message,
      follows: 'the recipe was not run',
    });
    return;
  }
  const results = turns.map((turn) => searchAll(turn, pattern, logs));
  const files = results.flatMap((r) => r.files);
  const count = results.reduce((n, r) => n + r.count, 0);
  const failed = results.flatMap((r) => r.failed);
  const lines = results.reduce((n, r) => n + r.lines, 0);
  if (count > 0) {
    judge.held();
    return;
  }
  const missing = turns
    .flatMap((t) => t.files)
    .filter((f) => resolveGlob(logs.index, f).length === 0);
  const searched = files.map((f) =>
    f.how === 'moved' ? `${f.file.path} (not where the recipe looks)` : f.file.path,
  );
  const facts = [
    searched.length > 0 ? `0 of ${lines} lines match in ${searched.join(', ')}` : '',
    missing.length > 0 ? `there is no ${missing.join(', ')}` : '',
    ...failed,
  ];
  judge.found({
    severity: 'not-evidenced',
    place,
    written: recipe.text,
    arithmetic: facts.filter(Boolean).join('; '),
    follows:
      files.length > 0
        ? 'the recipe is vacuous: the log never prints this, so finding nothing proves nothing'
        : 'the recipe has nothing to search',
  });
}

interface Searched {
  readonly files: Resolved[];
  readonly failed: string[];
  count: number;
  lines: number;
}

function searchAll(recipe: Recipe, pattern: Pattern, logs: LogEvidence): Searched {
  const result: Searched = { files: [], failed: [], count: 0, lines: 0 };
  for (const found of recipe.files.flatMap((f) => resolveGlob(logs.index, f))) {
    try {
      const { count, lines } = matchesIn(logs, found.file.path, { pattern, invert: recipe.invert });
      result.files.push(found);
      result.count += count;
      result.lines += lines;
    } catch (error) {
      result.failed.push(`${found.file.path} cannot be read: ${(error as Error).message}`);
    }
  }
  return result;
}
