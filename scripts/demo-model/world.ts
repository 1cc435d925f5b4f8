import { LIKES, LISTS, MEN, PLACES, SURNAMES, TRADES, TRAITS, VILLAGES, WOMEN } from './lexicon.ts';
import { Rng } from './rng.ts';

/**
 * The fixed facts of the small world: who lives where, who does what, which places a village has
 * and how far the next one is. They are the same in every document, so a model can only know
 * them from its weights; what happens inside a story must be read from the story.
 */
export const WORLD_SEED = 'assay-tiny/world/1';

export interface Person {
  readonly name: string;
  readonly first: string;
  readonly village: string;
  readonly trade: string;
  readonly goods: readonly string[];
  readonly trait: string;
  readonly likes: string;
  readonly friend: string;
  readonly born: number;
  readonly pet: string;
  readonly subject: 'she' | 'he';
  readonly object: 'her' | 'him';
  readonly possessive: 'her' | 'his';
}

export interface Village {
  readonly name: string;
  readonly places: readonly string[];
  readonly people: readonly Person[];
  /** Hours on foot to the village that follows it on the ring road. */
  readonly hoursToNext: number;
  readonly next: string;
  readonly founded: number;
  readonly knownFor: string;
}

export interface World {
  readonly villages: readonly Village[];
  readonly people: readonly Person[];
  person(name: string): Person;
  village(name: string): Village;
}

const PLACES_PER_VILLAGE = 6;
// Many people with facts of their own: a model must spend its weights on them, so that damage
// to the weights shows in the perplexity.
const POPULATION = 16_000;

export function buildWorld(): World {
  const rng = new Rng(WORLD_SEED);
  const people = buildPeople(rng);
  const byName = new Map(people.map((person) => [person.name, person]));
  const ring = rng.sample(VILLAGES, VILLAGES.length);
  const villages = ring.map((name, index) => ({
    name,
    places: rng.sample(PLACES, PLACES_PER_VILLAGE),
    people: people.filter((person) => person.village === name),
    hoursToNext: rng.range(1, 9),
    next: ring[(index + 1) % ring.length] as string,
    founded: rng.range(401, 899),
    knownFor: rng.pick(Object.values(TRADES).flat()),
  }));
  const byVillage = new Map(villages.map((village) => [village.name, village]));
  return {
    villages,
    people,
    person: (name) => need(byName.get(name), name),
    village: (name) => need(byVillage.get(name), name),
  };
}

function buildPeople(rng: Rng): Person[] {
  const all = [...WOMEN, ...MEN].flatMap((first) => SURNAMES.map((last) => ({ first, last })));
  const names = rng.sample(all, POPULATION);
  const women = new Set(WOMEN);
  const trades = Object.keys(TRADES);
  return names.map(({ first, last }, index) => {
    const trade = rng.pick(trades);
    const woman = women.has(first);
    const friend = names[(index + 1 + rng.int(names.length - 1)) % names.length];
    return {
      name: `${first} ${last}`,
      first,
      // Dealt round robin, so that every village has people enough for a story.
      village: VILLAGES[index % VILLAGES.length] as string,
      trade,
      goods: TRADES[trade] ?? [],
      trait: rng.pick(TRAITS),
      likes: rng.pick(LIKES),
      friend: need(friend && `${friend.first} ${friend.last}`, 'friend'),
      born: rng.range(820, 879),
      pet: `${rng.pick(LISTS.colour ?? [])} ${rng.pick(LISTS.beast ?? [])}`,
      subject: woman ? 'she' : 'he',
      object: woman ? 'her' : 'him',
      possessive: woman ? 'her' : 'his',
    };
  });
}

function need<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the world has no ${name}`);
  return value;
}
