/** grep recipes of a document: what do they find? Run by our own matcher, never by a shell. */
import { Cancelled } from '../../../record/errors.ts';
import { compilePattern } from '../../line-search.ts';
import { type LogEvidence, matchesIn, type Resolved, resolveGlob } from '../../log-evidence.ts';
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { type Recipe, recipesIn } from '../recipe.ts';
import type { AuditDocument } from '../record.ts';

/** What one recipe found; a loop's turns are one recipe. */
export interface RecipeResult {
  readonly recipe: Recipe;
  readonly searched: readonly Resolved[];
  /** Files that it names and that are not there. */
  readonly missing: readonly string[];
  /** Why the pattern or a file could not be had. */
  readonly failed: readonly string[];
  readonly count: number;
  readonly lines: number;
}

/** Runs every recipe of a document. Throws Cancelled. */
export async function runRecipes(
  document: AuditDocument,
  logs: LogEvidence,
  signal?: AbortSignal,
): Promise<RecipeResult[]> {
  const lines = new Map<number, Recipe[]>();
  for (const recipe of recipesIn(document.code)) {
    lines.set(recipe.line, [...(lines.get(recipe.line) ?? []), recipe]);
  }
  const results: RecipeResult[] = [];
  for (const turns of lines.values()) results.push(await runOne(turns, logs, signal));
  return results;
}

async function runOne(
  turns: readonly Recipe[],
  logs: LogEvidence,
  signal: AbortSignal | undefined,
): Promise<RecipeResult> {
  const [recipe] = turns as [Recipe, ...Recipe[]];
  const searched: Resolved[] = [];
  const failed: string[] = [];
  let [count, lines] = [0, 0];
  for (const { pattern: source, ignoreCase, invert, files } of turns) {
    try {
      const pattern = compilePattern(source, { ignoreCase });
      for (const found of files.flatMap((f) => resolveGlob(logs.index, f))) {
        const matches = await matchesIn(logs, found.file.path, { pattern, invert, signal });
        searched.push(found);
        count += matches.count;
        lines += matches.lines;
      }
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      failed.push((error as Error).message);
    }
  }
  const missing = turns
    .flatMap((turn) => turn.files)
    .filter((file) => resolveGlob(logs.index, file).length === 0);
  return { recipe, searched, missing, failed, count, lines };
}

export const recipeCheck: Check = {
  name: 'recipe',
  says: 'a grep that the document gives finds something in the logs',
  run(document, { recipes }) {
    const judge = new Judge(this.name, document);
    for (const result of recipes?.get(document) ?? []) {
      if (result.count > 0) judge.held();
      else tell(judge, result);
    }
    return judge.verdicts;
  },
};

function tell(judge: Judge, { recipe, searched, missing, failed, lines }: RecipeResult): void {
  const names = searched.map(({ file, how }) =>
    how === 'moved' ? `${file.path} (not where the recipe looks)` : file.path,
  );
  const facts = [
    names.length > 0 ? `0 of ${lines} lines match in ${names.join(', ')}` : '',
    missing.length > 0 ? `there is no ${missing.join(', ')}` : '',
    ...failed,
  ];
  judge.found({
    severity: 'not-evidenced',
    place: { line: recipe.line, column: recipe.column, width: 4 },
    written: recipe.text,
    arithmetic: facts.filter(Boolean).join('; '),
    follows:
      names.length > 0
        ? 'the recipe is vacuous: the log never prints this, so finding nothing proves nothing'
        : 'the recipe has nothing to search',
  });
}
