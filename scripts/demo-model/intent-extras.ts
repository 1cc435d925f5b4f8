import type { Lists } from './template.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const SLOTS: Lists = {
  item: words(`
    lantern basket kettle mirror drum cup knife comb map coat glove boot shovel hammer saw needle
    bucket broom candle bottle stool tray clock blanket shawl jar bowl barrel belt saddle door
    lamp chair hat ladder bell purse`),
  item2: words('whistle flute spoon box book rope ring lens key shelf tile tub wheel fan net'),
  items: words('lanterns baskets kettles cups combs boots candles jars bowls chairs lamps plates'),
  town: words(`
    Alderford Brackwell Coldharrow Dunmere Eastling Fernhollow Greyweir Hollin Ivenstow
    Kettlebridge Larkfield Mossgate`),
  day: words('monday tuesday wednesday thursday friday saturday sunday'),
  code: words('HARVEST10 WINTER5 FAIR20 LANTERN8 MILL15 SPRING12'),
  order: ['my order', 'order $ref', 'the order', 'order number $ref', 'my parcel'],
};

/** What stands before the request: a greeting, or nothing much. */
export const OPENERS: readonly string[] = [
  '{hi|hello|good morning|good day|hey}{ there|}{,|.|!}',
  '{i have a question:|quick question,|one thing:|me again,}',
  '{sorry to bother you|hope you are well},',
];

export const CLOSERS: readonly string[] = [
  '{thanks|thank you|cheers|many thanks}{ in advance|}',
  '{please hurry|it is urgent|no hurry|answer soon please}',
  '{i am in $town|my number is $ref|this is for my mother}',
  '{i bought it on $day|i have been a customer for years|the $item is for a friend}',
];

/**
 * Clauses about something else that is settled, denied or another person's. They carry the words
 * of other intents, so counting words is not enough: the model has to see which clause asks.
 */
export const DISTRACTORS: readonly string[] = [
  '{i already got|thanks for} the refund {for|on} the $item{,| but} {now|today}',
  'this is not about {the refund|my password|the delivery|the invoice|a discount},',
  'the {delivery|parcel} {came|arrived} {fine|on $day|in time},',
  'i {do not want|am not asking for} {a refund|to return it|to cancel|my money back},',
  'my {sister|neighbour|friend} {wants to cancel|lost a parcel|was charged twice}, but i ask this:',
  'the {broken|wrong} $item {was|is} {sorted out|replaced} {already|last week},',
  'i {paid|logged in|used the code $code} without trouble,',
  'the address {and|and the} {phone number|email} {are right|have not changed},',
  '{last week|on $day} i asked about {the price|the opening hours|the stock|my account},',
  'your shop in $town {was closed|had no $item|was out of $items},',
  'i know {where it is|what it costs|when you open|how returns work},',
];

/** The same kind of clause after the request. */
export const AFTERTHOUGHTS: readonly string[] = [
  '{and no,|but} i {do not|never} want {a refund|to cancel|to send it back|a new one}',
  'the {refund|invoice|password|address} is {fine|another story|not the problem}',
  'the {other|last} $item {was damaged|never came|was refunded} {but|and} that is {settled|done}',
  '{the price|the payment|the delivery|my account} {was|is} all right',
];

/** Requests that fit two intents equally well: here no reader can always be right. */
export const SHARED: readonly { labels: readonly [string, string]; texts: readonly string[] }[] = [
  {
    labels: ['track_order', 'report_missing'],
    texts: ['$order {has not come|never came|did not arrive}{ on $day|}', 'i still have no $item'],
  },
  {
    labels: ['refund_request', 'return_item'],
    texts: ['{the $item is no good|i do not want the $item any more}, {what now|what can i do}'],
  },
  {
    labels: ['refund_status', 'refund_request'],
    texts: ['{what about|where is} my {money|$price}{ for the $item|}', 'i want my $price'],
  },
  {
    labels: ['cancel_order', 'change_order'],
    texts: ['{something is wrong with|i made a mistake in} $order{, it has not shipped yet|}'],
  },
  {
    labels: ['exchange_item', 'wrong_item'],
    texts: ['the $item {has|came in} the wrong {size|colour}{, i need another|}'],
  },
  {
    labels: ['duplicate_charge', 'unknown_charge'],
    texts: ['{you took|why did you take} {too much|$price more} from my {card|bank}'],
  },
  {
    labels: ['price_question', 'discount_code'],
    texts: ['{is there|do you give} {money|something} off {the|a} $item'],
  },
  {
    labels: ['change_address', 'update_contact'],
    texts: ['{i moved|my details changed|my details are wrong}, {please note|please update} it'],
  },
  {
    labels: ['stock_question', 'delivery_time'],
    texts: ['{how soon|when} can i {have|get} a $item{ in $town|}'],
  },
  {
    labels: ['reset_password', 'payment_failed'],
    texts: ['{your site|the page|the website} {does not let me in|gives an error}{ again|}'],
  },
];
