import { LISTS } from './lexicon.ts';
import type { Rng } from './rng.ts';
import { expand, sentence, type Vars } from './template.ts';

/** One tidy sentence or line of a note, from the world's word lists. */
export function line(rng: Rng, template: string, vars: Vars = {}): string {
  return sentence(expand(rng, template, vars, LISTS));
}
