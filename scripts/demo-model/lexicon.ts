import type { Lists } from './template.ts';

/** The words of the small world. Names, trades and places are dealt out once, in world.ts. */
const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const phrases = (text: string): readonly string[] =>
  text
    .trim()
    .split('|')
    .map((phrase) => phrase.trim());

export const VILLAGES = words(`
  Alderford Brackwell Coldharrow Dunmere Eastling Fernhollow Greyweir Hollin Ivenstow
  Kettlebridge Larkfield Mossgate`);

export const WOMEN = words(`
  Mara Odile Brenna Sunniva Tilda Yrsa Petra Nell Hester Wren Ilse Dagny Fenna Corin Maud Agnes
  Linnet Rosal Bettany Jory Esme Vida Thea Greta Hanne Imke Nora Sabine Ottla Kaia Runa Willa`);

export const MEN = words(`
  Tobin Aldo Garrick Osric Piet Hamo Lucan Edric Bram Silas Joss Rafe Corwin Matthias Ned Ulf
  Wystan Perrin Anselm Doran Kester Luka Orrin Hob Jarek Simon Tam Viktor Emil Casper Rolf Ivo`);

const SURNAME_HEADS = words(`
  Ash Birch Black Brook Clay Crow Dun Elm Fern Flint Fox Frost Hart Hazel Heath Hol Marsh Moss
  Oak Red Rook Stone Thorn White`);
const SURNAME_TAILS = words(`
  by field ford ley man mere ridge son ton well wick wood worth gate hurst croft`);

export const SURNAMES = SURNAME_HEADS.flatMap((head) =>
  SURNAME_TAILS.map((tail) => `${head}${tail}`),
);

export const PLACES = phrases(`
  the mill|the inn|the well|the market|the bakehouse|the forge|the chapel|the long barn
  |the harbour|the stone bridge|the school|the orchard|the bathhouse|the granary|the dyehouse
  |the kiln yard|the ferry landing|the bell tower|the sheep pens|the old gate`);

/** Each trade makes three goods, counted and priced in the ledgers. */
export const TRADES: Readonly<Record<string, readonly string[]>> = {
  baker: ['loaves', 'buns', 'pies'],
  smith: ['nails', 'hinges', 'horseshoes'],
  potter: ['jars', 'bowls', 'tiles'],
  weaver: ['blankets', 'shawls', 'ribbons'],
  miller: ['sacks of flour', 'sacks of bran', 'sacks of oats'],
  fisher: ['trout', 'eels', 'nets'],
  beekeeper: ['combs of honey', 'candles', 'hives'],
  cooper: ['barrels', 'buckets', 'tubs'],
  tanner: ['belts', 'saddles', 'hides'],
  carpenter: ['stools', 'shelves', 'doors'],
  chandler: ['lamps', 'wicks', 'cakes of soap'],
  dyer: ['bolts of cloth', 'skeins of wool', 'pots of dye'],
  shepherd: ['lambs', 'fleeces', 'cheeses'],
  gardener: ['cabbages', 'pears', 'onions'],
  basketmaker: ['baskets', 'chairs', 'brooms'],
  glazier: ['bottles', 'panes', 'beads'],
};

export const TRAITS = words(`
  patient loud careful forgetful generous stubborn cheerful silent hasty thrifty curious proud
  gentle sleepy honest nervous`);

export const LIKES = phrases(`
  plum cake|old songs|chess|early mornings|river swimming|card games|onion soup|long walks
  |thunder|fresh bread|ghost stories|dancing|barley beer|maps|riddles|pressed flowers`);

export const LISTS: Lists = {
  adj: words(`
    old small heavy quiet pale broken narrow bright dusty crooked cold warm plain tired golden
    damp smooth hollow proud gentle sharp distant early late empty careful strange familiar soft
    rough faded patient lucky clever honest slow quick wide steep low little tall thin round
    deep dark light rusty dry wet sweet bitter sour fresh stale loose tight clean dirty noisy
    lonely famous humble solemn clumsy sturdy brittle crumbling foreign ancient northern
    southern eastern western bent polished mended spare hidden second last first`),
  stuff: words(`
    copper iron wooden silver leather clay brass tin woollen linen glass oak bone wicker stone
    horn silk paper`),
  colour: words('red blue green black white yellow brown grey orange violet'),
  thing: words(`
    lantern key basket kettle rope ladder mirror whistle drum flute cup spoon knife comb bell
    box map book letter purse hat coat glove boot shovel hammer saw needle thimble bucket broom
    candle bottle ring buckle stool tray clock lens dice plate pan jug rake axe barrow blanket
    curtain carpet pillow saddle wheel anchor oar sail flag chain hook pipe fiddle violin harp
    quill inkwell stamp medal coin locket scarf ribbon crown mask`),
  beast: words(`
    goat mule heron cat dog hen goose fox crow owl hare ox pony magpie otter hedgehog swan ram
    sheep calf rabbit badger rat toad frog beetle moth sparrow robin raven stork bear wolf pig
    donkey squirrel`),
  nature: words(`
    river hill meadow wind stream marsh field road wood valley pond ridge hedge path fog moon
    sun sky frost rain lake island shore cliff cave forest thicket orchard garden snow thunder
    dawn dusk cloud star storm ice mud`),
  weather: phrases(`
    rain|snow|fog|hail|sleet|drizzle|a hard frost|bright sun|a warm wind|a north wind|low cloud
    |thunder`),
  time: phrases(`
    at dawn|before noon|at noon|after supper|at dusk|in the morning|by midday|late in the day
    |at first light|when the bell rang|towards evening|before the market closed`),
  day: words('Monday Tuesday Wednesday Thursday Friday Saturday Sunday'),
  month: words(`January February March April May June July August September October November
    December`),
  feeling: words(`
    glad weary pleased worried puzzled calm angry ashamed hopeful jealous merry lonely grateful
    startled bored bitter tender restless hungry thirsty sick brave shy foolish giddy`),
  number: words('two three four five six seven eight nine ten eleven twelve'),
  manner: words(`
    slowly quickly quietly gladly carefully badly neatly alone twice again early together gently
    soon boldly politely loudly sadly eagerly lazily firmly kindly rarely daily secretly bravely
    barely`),
  verb: words(`
    watched followed carried mended painted counted borrowed cleaned praised feared sketched
    remembered missed drew sold washed hid measured guarded shook carved burned weighed lifted
    dragged dropped kicked kissed cooked baked traded stole lost found broke stitched trimmed
    tied buried`),
  doing: words(`
    singing sleeping waiting turning falling drifting humming shining resting listening growing
    burning trembling whistling dripping dancing drying cooling creaking glowing wandering
    grumbling weeping smiling dreaming limping swaying leaning`),
  food: words(`
    bread cheese soup apples porridge fish honey eggs butter pears stew plums nuts beans cake
    cream rice onions carrots turnips mushrooms bacon sausages biscuits jam berries cherries
    walnuts`),
  drink: words('cider milk tea ale water wine broth'),
  spot: phrases(`
    under the bench|behind the door|on the shelf|beside the stove|in the straw|by the window
    |on the step|beneath the stairs|near the woodpile|between two barrels|on a nail|in the loft`),
  craft: phrases(`
    the roof|the fence|the cart|the bell rope|the ditch|the oven|the gate|the net|the loom
    |the wheel|the wall|the chimney|the boat|the plough`),
  virtue: words(`
    patience luck silence work kindness courage sleep trust thrift laughter memory haste pride
    truth hunger envy hope fear love anger sorrow wisdom duty mercy greed doubt beauty grief`),
};
