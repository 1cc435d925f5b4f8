import { LISTS } from './lexicon.ts';
import { line } from './line.ts';
import { LAMENTS, MUSINGS } from './phrases.ts';
import type { Rng } from './rng.ts';
import { personVars } from './scene.ts';
import { expand, sentence } from './template.ts';
import type { World } from './world.ts';

/** The other short notes of the world: letters, weather logs, registers and fair lists. */

export function letter(rng: Rng, world: World): string {
  const from = rng.pick(world.people);
  const to = rng.chance(0.4) ? world.person(from.friend) : rng.pick(world.people);
  const home = world.village(from.village);
  const vars = {
    ...personVars(from),
    to: to.name,
    toFirst: to.first,
    toHome: to.village,
    next: home.next,
    hours: `${home.hoursToNext}`,
    debt: `${rng.range(3, 60)}`,
  };
  const body = rng.sample(
    [
      '{I hope $toHome is $adj and that you are not $feeling|Are you still $feeling}.',
      '{Here|At $home} we have had $weather{, and then $weather,|} and the $nature is $adj.',
      'My $colour $thing is $adj, {so send|and I need} a $stuff $thing {and some $food|}.',
      '$friend {came to see me|wrote to me|was here} on $day and $verb my $beast.',
      `I {work|sit} at {${home.places.join('|')}} most days, $doing and $doing.`,
      'The road to $next is $adj{, though it is only $hours hours|}.',
      'I {owe you|will pay you|want} $debt pennies for the $adj $thing.',
      'You know that I {like|love} $likes{ more than $virtue|}.',
      'They say that $virtue is {better|worse} than $virtue, and I am $feeling about it.',
      rng.pick(MUSINGS).replaceAll('$she', 'I'),
      rng.pick(LAMENTS).replaceAll('$she', 'I'),
    ],
    rng.range(5, 7),
  );
  return [
    line(rng, '{{Dear|My dear} $toFirst|To $to of $toHome},', vars),
    body.map((template) => line(rng, template, vars)).join(' '),
    line(rng, '{Yours|Your friend|With thanks|In haste}, $full{, $trade of $home|}', vars),
  ].join('\n');
}

export function almanac(rng: Rng, world: World): string {
  const village = rng.pick(world.villages);
  const days = LISTS.day ?? [];
  const first = rng.int(days.length);
  const lines = [line(rng, `Weather book of ${village.name}, $month.`)];
  const seen = new Map<string, number>();
  for (let i = 0, count = rng.range(5, 7); i < count; i++) {
    const weather = rng.pick(LISTS.weather ?? []);
    seen.set(weather, (seen.get(weather) ?? 0) + 1);
    const person = rng.pick(village.people);
    lines.push(
      line(
        rng,
        '$day: $weather{, all day|, until noon|, then $again|}; {the $nature $adj|$who $feeling' +
          '|$who $verb $craft|a $adj $beast $doing|$food $adj, $drink $adj}.',
        {
          ...personVars(person),
          weather,
          day: days[(first + i) % days.length] ?? '',
          again: rng.pick(LISTS.weather ?? []),
        },
      ),
    );
  }
  const most = [...seen].sort((a, b) => b[1] - a[1])[0];
  lines.push(
    most !== undefined && most[1] > 1
      ? sentence(`${most[0]} came ${most[1]} times.`)
      : 'No weather came twice.',
  );
  return lines.join('\n');
}

/** Facts that never change; a reader who knows the world can finish most of these lines. */
export function register(rng: Rng, world: World): string {
  const village = rng.pick(world.villages);
  const lines = [`Register of ${village.name}, founded in the year ${village.founded}.`];
  for (const person of rng.sample(village.people, rng.range(3, 4))) {
    lines.push(
      line(
        rng,
        '{$full is a $trade|$full, $trade|the $trade is $full}' +
          '{, born in $born|}{, $trait and fond of $likes|, fond of $likes|, ' +
          '{known to be|always} $trait}{, a friend of $friend|}' +
          '{; $she keeps a $pet|; today $feeling and $feeling|}.',
        personVars(person),
      ),
    );
  }
  lines.push(
    line(
      rng,
      rng.pick([
        `It is ${village.hoursToNext} hours on foot to ${village.next}{ past the $adj $nature|}.`,
        `The village is known for its ${village.knownFor}{ and its $adj $nature|}.`,
        `It has ${village.places.join(', ')}.`,
      ]),
    ),
  );
  const witness = rng.pick(village.people);
  lines.push(line(rng, rng.pick(MUSINGS), { ...personVars(witness), who: witness.name }));
  return lines.join('\n');
}

/** A list of lots: mostly free choice, except for the closing line, which needs every price. */
export function fair(rng: Rng, world: World): string {
  const village = rng.pick(world.villages);
  const lines = [line(rng, `{Fair|Market|Auction} at ${village.name}, $day in $month.`)];
  let dearest = { thing: '', price: 0 };
  for (let lot = 1, count = rng.range(5, 7); lot <= count; lot++) {
    const thing = expand(rng, '{$stuff|$colour|$adj} {$thing|$beast}', {}, LISTS);
    const price = rng.range(2, 99);
    if (price > dearest.price) dearest = { thing, price };
    const seller = rng.pick(rng.chance(0.5) ? village.people : world.people);
    lines.push(
      line(
        rng,
        '$lot. A $wares, {$adj and $adj|$adj|$doing and $adj}' +
          '{ but $feeling|} {from $full|from $full, $trade|to $full of $home}: $price pennies.',
        {
          ...personVars(seller),
          lot: `${lot}`,
          wares: thing,
          price: `${price}`,
        },
      ),
    );
  }
  lines.push(
    line(rng, 'Dearest: the $wares at $price.', {
      wares: dearest.thing,
      price: `${dearest.price}`,
    }),
  );
  return lines.join('\n');
}
