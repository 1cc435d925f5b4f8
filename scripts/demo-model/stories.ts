import { LISTS } from './lexicon.ts';
import { LAMENTS, MUSINGS, TALK } from './phrases.ts';
import type { Rng } from './rng.ts';
import { closingQuestions, placeOf, type Scene, say } from './scene.ts';
import { expand } from './template.ts';
import type { Person, Village, World } from './world.ts';

/**
 * Stories track state (scene.ts): where each person is, who holds which object and where objects
 * lie. The closing questions can only be answered by reading the story from its start.
 */
const EVENTS = { move: 5, find: 4, give: 4, drop: 3, talk: 4, muse: 7, weather: 1 } as const;

export function story(rng: Rng, world: World): string {
  const village = rng.pick(world.villages);
  const scene = openScene(rng, world, village);
  const events = rng.range(4, 7);
  for (let i = 0; i < events; i++) runEvent(scene, rng.weighted(EVENTS));
  const questions = rng.sample(closingQuestions(scene), rng.range(1, 2));
  return [scene.lines.join(' '), ...questions].join('\n');
}

function openScene(rng: Rng, world: World, village: Village): Scene {
  const cast = chooseCast(rng, world, village);
  const at = new Map(cast.map((person) => [person.first, rng.pick(village.places)]));
  const scene: Scene = {
    rng,
    village,
    cast,
    at,
    holder: new Map(),
    lying: new Map(),
    lines: [],
  };
  const lead = cast[0] as Person;
  say(
    scene,
    '{On a $adj $day in $month|One $adj $day|In $month, $time,|The day after the fair}' +
      ' {$weather came over|there was $weather in|$weather lay on} $village.',
  );
  say(
    scene,
    '$full the $trade{, born in $born,|} was at $place, $doing{ and $doing|}' +
      '{, for $she was $trait|, with the $pet beside $him}.',
    lead,
    {
      place: placeOf(scene, lead),
    },
  );
  for (const person of cast.slice(1)) {
    const from = person.village === village.name ? '{, a $trade,|}' : ' of $home{, a $trade,|}';
    say(
      scene,
      `$full${from} {waited|stood|sat|was busy} at $place with {a $adj $beast|$her $pet}.`,
      person,
      {
        place: placeOf(scene, person),
      },
    );
  }
  return scene;
}

/** Two to four people, the first of them a local; nobody shares a first name in one story. */
function chooseCast(rng: Rng, world: World, village: Village): Person[] {
  const cast = new Map<string, Person>();
  const size = rng.range(2, 4);
  while (cast.size < size) {
    const person = rng.pick(cast.size === 0 || rng.chance(0.4) ? village.people : world.people);
    if (!cast.has(person.first)) cast.set(person.first, person);
  }
  return [...cast.values()];
}

function runEvent(scene: Scene, kind: keyof typeof EVENTS): void {
  const { rng } = scene;
  const who = rng.pick(scene.cast);
  const held = [...scene.holder].filter(([, name]) => name === who.first).map(([item]) => item);
  const here = scene.cast.filter(
    (other) => other !== who && placeOf(scene, other) === placeOf(scene, who),
  );
  if (kind === 'move') move(scene, who, held);
  else if (kind === 'give' && held.length > 0 && here.length > 0) {
    const item = rng.pick(held);
    const to = rng.pick(here);
    scene.holder.set(item, to.first);
    say(scene, '$who {gave|handed|passed|lent} the $item to $to{, who was $feeling|}.', who, {
      item,
      to: to.first,
    });
  } else if (kind === 'drop' && held.length > 0) drop(scene, who, rng.pick(held));
  else if (kind === 'find' || kind === 'give' || kind === 'drop') find(scene, who);
  else if (kind === 'talk' && here.length > 0) {
    say(scene, rng.pick(TALK), who, { to: rng.pick(here).first });
  } else if (kind === 'weather') {
    say(scene, '$time{,| the $nature was $adj and} $weather {began|passed|came|returned}.');
  } else say(scene, rng.pick(rng.chance(0.6) ? MUSINGS : LAMENTS), who);
}

function move(scene: Scene, who: Person, held: readonly string[]): void {
  const { rng } = scene;
  const from = placeOf(scene, who);
  const place = rng.pick(scene.village.places.filter((other) => other !== from));
  scene.at.set(who.first, place);
  const load = held.length > 0 ? ' with the $load' : '{| $manner}';
  const met = scene.cast.find((other) => other !== who && placeOf(scene, other) === place);
  const meeting = met === undefined ? '' : '{ and found $met there|, where $met was}';
  say(
    scene,
    `{|$time, }$who {went|walked|hurried|ran} from $from to $place${load}${meeting}.`,
    who,
    { from, place, load: held.join(' and the '), met: met?.first ?? '' },
  );
}

function find(scene: Scene, who: Person): void {
  const lying = [...scene.lying].filter(([, place]) => place === placeOf(scene, who));
  const place = placeOf(scene, who);
  const known = lying[0]?.[0];
  if (known !== undefined) {
    scene.lying.delete(known);
    scene.holder.set(known, who.first);
    say(scene, '$who {saw|noticed|came upon} the $item at $place and took it.', who, {
      item: known,
      place,
    });
    return;
  }
  const item = expand(scene.rng, '{$stuff|$colour|$adj} $thing', {}, LISTS);
  if (scene.holder.has(item) || scene.lying.has(item)) return;
  scene.holder.set(item, who.first);
  say(
    scene,
    '{$who found a $item $spot and kept it|at $place $who picked up a $item' +
      '|$who bought a $item for $price pennies|$who had a $item in $her {bag|pocket|cart}}.',
    who,
    {
      item,
      place,
      price: String(scene.rng.range(2, 60)),
    },
  );
}

function drop(scene: Scene, who: Person, item: string): void {
  const place = placeOf(scene, who);
  scene.holder.delete(item);
  scene.lying.set(item, place);
  say(scene, '$who {left|forgot|put down|hid} the $item at $place{, $spot|}.', who, {
    item,
    place,
  });
}
