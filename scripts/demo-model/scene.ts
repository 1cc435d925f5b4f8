import { LISTS } from './lexicon.ts';
import type { Rng } from './rng.ts';
import { expand, sentence, type Vars } from './template.ts';
import type { Person, Village } from './world.ts';

/** What is true at one moment of a story; people go by their first names, unique in a cast. */
export interface Scene {
  readonly rng: Rng;
  readonly village: Village;
  readonly cast: readonly Person[];
  readonly at: Map<string, string>;
  readonly holder: Map<string, string>;
  readonly lying: Map<string, string>;
  readonly lines: string[];
}

export function closingQuestions(scene: Scene): string[] {
  const lines = scene.cast.map(
    (person) => `Where was ${person.first} in the end? At ${placeOf(scene, person)}.`,
  );
  for (const [item, name] of scene.holder) lines.push(`Who had the ${item}? ${name} had it.`);
  for (const [item, place] of scene.lying) lines.push(`Where was the ${item} left? At ${place}.`);
  return lines;
}

export function placeOf(scene: Scene, person: Person): string {
  return scene.at.get(person.first) ?? 'the road';
}

/** Adds one sentence, about a person or about the village. */
export function say(scene: Scene, template: string, who?: Person, extra: Vars = {}): void {
  const vars = {
    ...(who === undefined ? {} : personVars(who)),
    village: scene.village.name,
    ...extra,
  };
  scene.lines.push(sentence(expand(scene.rng, template, vars, LISTS)));
}

/** The words that templates use for a person. */
export function personVars(person: Person): Vars {
  return {
    who: person.first,
    full: person.name,
    born: `${person.born}`,
    pet: person.pet,
    trade: person.trade,
    trait: person.trait,
    likes: person.likes,
    friend: person.friend,
    home: person.village,
    village: person.village,
    she: person.subject,
    him: person.object,
    her: person.possessive,
  };
}
