import { line } from './line.ts';
import { LAMENTS, MUSINGS } from './phrases.ts';
import type { Rng } from './rng.ts';
import { personVars } from './scene.ts';
import type { Person, World } from './world.ts';

/** Opening stock, sales and purchases, then the counts and the purse that must follow. */
export function ledger(rng: Rng, world: World): string {
  const who = rng.pick(world.people);
  const stock = new Map(
    rng.sample(who.goods, rng.range(2, 3)).map((goods) => [goods, rng.range(5, 60)]),
  );
  const books = { stock, purse: rng.range(1, 99) };
  const count = (): string => [...stock].map(([goods, left]) => `${left} ${goods}`).join(', ');
  const vars = personVars(who);
  const lines = [
    line(rng, 'Ledger of $full, $trade of $home, $day{ in $month|}.', vars),
    `At the start: ${count()}, ${books.purse} pennies.`,
  ];
  for (let i = rng.range(3, 4); i > 0; i--) lines.push(trade(rng, world, who, books));
  lines.push(line(rng, `{Note: |}${rng.pick(rng.chance(0.5) ? MUSINGS : LAMENTS)}`, vars));
  return [...lines, `At the end: ${count()}, ${books.purse} pennies.`].join('\n');
}

interface Books {
  readonly stock: Map<string, number>;
  purse: number;
}

function trade(rng: Rng, world: World, who: Person, books: Books): string {
  const goods = rng.pick([...books.stock.keys()]);
  const had = books.stock.get(goods) ?? 0;
  if (had > 2 && rng.chance(0.65)) {
    const sold = rng.range(1, Math.min(had - 1, 12));
    const price = rng.range(1, 12);
    const left = had - sold;
    books.stock.set(goods, left);
    books.purse += sold * price;
    // Counts are variables, not template text: the parser keeps every template it has seen.
    return line(
      rng,
      'Sold $sold $goods to $full of $home{, a $trade,|} at $price each' +
        '{, for a $adj $thing|, with some $food|}: $sum pennies; $left left, purse $purse.',
      {
        ...personVars(rng.pick(world.people)),
        goods,
        sold: `${sold}`,
        price: `${price}`,
        sum: `${sold * price}`,
        left: `${left}`,
        purse: `${books.purse}`,
      },
    );
  }
  const made = rng.range(2, 19);
  books.stock.set(goods, had + made);
  return line(
    rng,
    '{Made|Finished|Took in|Was sent} $made more $goods{ $time|}, now $now' +
      '{, most of them $adj|, {$adj and $adj,|} for $friend|}.',
    {
      ...personVars(who),
      goods,
      made: `${made}`,
      now: `${had + made}`,
    },
  );
}
