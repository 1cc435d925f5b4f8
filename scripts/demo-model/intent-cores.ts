/**
 * What people write for each of the 23 intents. Braces hold alternatives, `$item` and the like
 * are slots (intent-extras.ts). Several classes share most of their words on purpose.
 */
export const CORES: Readonly<Record<string, readonly string[]>> = {
  track_order: [
    '{where is|where has|can you tell me where} my $item {|order }{is|got to|right now}',
    '{i want|i would like|need} to {see|know|follow} where $order {is|has got to}',
    '{any news|an update} {on|about} {the parcel|$order|the $item} i am waiting for',
    'has $order {left the depot|been sent|gone out} yet',
    'the tracking {page|link} {for $order |}{shows nothing|has not moved|is stuck}{ since $day|}',
  ],
  delivery_time: [
    'how {long|many days} does {delivery|shipping|sending} {a $item |}to $town {take|need}',
    '{when|what day} would {a $item|it} {come|arrive} if i {buy|order} {it |}{today|on $day}',
    'can you {deliver|bring} {a $item|things} {before|by} $day if i order now',
    '{do you deliver|is there delivery} {on|at} $day{ in $town|}',
    'what are the {delivery|shipping} {times|days} for $town',
  ],
  cancel_order: [
    '{please |i want to |i need to |}{cancel|stop|call off} {my order|$order|the $item}',
    'i {ordered|bought} {a|the wrong} $item {by mistake|by accident}, do not {send|ship} it',
    '{i no longer want|i changed my mind about} {the $item|$order}, {do not send it|stop it}',
    '{can|could} $order be {cancelled|stopped|called off}{ before it ships|}',
    '{forget|scrap|drop} the order{ for the $item|}{ please|}',
  ],
  change_order: [
    '{please |i want to |can i |}{add|put} a $item {to|into} {my order|$order}',
    '{can i|i want to|please let me} {swap|change} the $item {in $order |}for a $item2',
    'i ordered {two|three|four} but {need|want} {five|six|only one} {of the $item|instead}',
    '{make|change} {the $item|it} {to |}{blue|green|red|the large one} {in|on} $order',
    '{leave|take} the $item out of {my order|$order} but send the rest',
  ],
  refund_request: [
    'i {want|would like|need|demand} {my money back|a refund} {for|on} the $item',
    '{please |}{refund|pay back|give back} {the $price i paid|my $price|the money}{ for it|}',
    '{how do i|where can i|can i} {get|claim|ask for} {a refund|my money back}{ for $order|}',
    'the $item {was not worth it|never worked}, i {want|expect} {the $price|my money} back',
    '{am i owed|do i get} {a refund|money back} {for|on} $order',
  ],
  refund_status: [
    '{when will|has} my refund {arrive|come|been paid|show up}{ yet|}',
    'you {promised|agreed|said yes to} {a refund|my money back} {on $day|last week}, {nothing|' +
      'no money} {came|so far}',
    '{how long|how many days} does {the|a} refund take to {reach|get to} my {bank|card}',
    '{still|i am} waiting for {the refund|the $price} {you owe me|from $order}',
    '{is|what about} the refund for {the $item|$order} {on its way|under way|done}',
  ],
  return_item: [
    '{how do i|where do i|can i} {send|bring|give} {the|this|my} $item back',
    'i {want|need|would like} to {return|send back|bring back} {the|a} $item',
    '{need|send me|where is} {a|the} return {label|form|slip}{ for the $item| for $order|}',
    'the $item {does not fit|is too big|is too small}, {i will send it back|take it back}',
    '{is it too late|until when am i allowed} to {return|send back} {the|a} $item',
  ],
  exchange_item: [
    '{can i|i want to|how do i} {swap|exchange|trade} {the|my} $item i got for {a $item2|another}',
    'the $item {does not fit|is too big|is too small}, {send|give} me ' +
      '{a larger|a smaller|another} one',
    'i {have|got} the {red|blue} $item but {want|prefer} the {green|black} one {instead|now}',
    '{i would like|need} {a different|another} {size|colour} {for|of} the $item {i have|that came}',
  ],
  report_damaged: [
    'the $item {arrived|came|was} {broken|cracked|torn|dented|smashed}{ in the box|}',
    '{there is|i found} {a crack|a hole|a dent|a scratch} in the $item{ you sent| from $order|}',
    '{my|the} $item {is|was} in pieces {when|as} {it came|i opened it|it arrived}',
    'the {box|parcel} was {crushed|wet|torn} and the $item {inside|in it} {is ruined|is broken}',
  ],
  report_missing: [
    'the $item {was not|is not} in the {box|parcel}{ with the rest|}',
    '{one|part} of {my order|$order} is missing, {there is no|i got no} $item',
    '$order {says|shows|is marked} delivered but {nothing is here|i have nothing|no parcel came}',
    'i {got|received|found} only {one|two} of {three|four} $items',
    '{someone|the driver} {left|put} {the parcel|$order} nowhere, it is {gone|lost}',
  ],
  wrong_item: [
    'i {ordered|asked for|paid for} a $item {but|and} {got|you sent|received} a $item2',
    '{this|that} is not the $item i {ordered|chose|asked for}',
    "you {sent|packed} {the wrong|another|somebody else's} $item{ in $order|}",
    'the $item is {the wrong|a different} {colour|size|kind} from the one i {ordered|picked}',
  ],
  change_address: [
    '{please |can you |}{send|deliver|bring} $order to ' +
      '{$town instead|my new house|another address}',
    'i {moved|am moving} to $town, {change|update} {the delivery address|where it goes}',
    'the {delivery |}address {on|for} $order is {wrong|old}{, it should be $town|}',
    '{can the parcel go|can you send it} to my {work|neighbour|mother} in $town{ instead|}',
  ],
  update_contact: [
    'i {have|got} a new {phone number|email|telephone}{, please note it|}',
    '{change|update|correct} {my|the} {phone number|email|name} {on|in} my account',
    '{please |}use {my other|a different} {email|number} {from now on|for messages}',
    'my name is {spelt|written} wrong {on|in} {your letters|my account|the account page}',
  ],
  payment_failed: [
    'my {card|payment} {was refused|was declined|did not go through|failed}',
    '{i cannot|it will not let me} pay {for the $item|with my card|for $order}',
    '{the checkout|the pay page|paying} {gives an error|hangs|stops} {every time|at the last step}',
    '{tried|i tried} to pay $price {twice|again|three times} {and it|but it} {fails|will not work}',
  ],
  duplicate_charge: [
    'i {was charged|paid|have been billed} {twice|two times|double} {for|on} {$order|the $item}',
    '{there are|i see} two {payments|charges} of $price {on my card|at my bank}',
    'you took $price {twice|two times|again}{ for the same $item|}',
    '{why did|how did} {the same|one} {payment|charge} {of $price |}go out {twice|again}',
  ],
  unknown_charge: [
    '{what is|i do not know|who made} {this|the} {charge|payment} of $price {on my card|from you}',
    '{there is|i see} {a|one} {payment|charge} of $price i {never made|do not know|did not make}',
    'you took $price but i {bought nothing|never ordered|have no order}',
    '{i did not|i never} {buy|order} {anything|a $item} {but|and yet} {you took|i paid} $price',
  ],
  invoice_copy: [
    '{please |can you |}{send|mail|give} me {an invoice|a receipt|a bill} for {$order|the $item}',
    'i {need|lost|never got} the {invoice|receipt|bill} for {$order|the $item}',
    '{where can i|how do i} {find|print|download} {the|my} {invoice|receipt|bill}',
    'my {employer|tax office|shop} {wants|needs} {an invoice|a receipt} {for|over} $price',
  ],
  discount_code: [
    '{my|the} {code|coupon|voucher} $code {does not work|is refused|gives nothing off}',
    '{do you have|is there|can i get} a {coupon|voucher|discount code}{ for a $item|}',
    '{where|how} do i {enter|use|type in} {the|my} {voucher|coupon|code}{ $code|}',
    '{i forgot|you did not let me} to use {the|my} {code|coupon} $code{ on $order|}',
  ],
  price_question: [
    '{how much|what} {is|does} {a|the|one} $item {cost|these days|now}',
    '{what is|tell me|i want to know} the price {of|for} {a|the|two} $item',
    'is the $item {cheaper|less} {if i buy two|in $town|on $day}',
    '{how much would|what would} {two|three|ten} $items {come to|cost}',
  ],
  stock_question: [
    '{do you have|have you got|is there} {a|any} {red|blue|large|small} $item ' +
      '{left|in stock|there}',
    '{when will|will} the $item be {back|in stock|there} again',
    '{is|are} the $item {sold out|in stock|out of stock}{ in $town|}',
    '{can i get|do you sell} a $item {in $town|in your shop}{ right now|}',
  ],
  opening_hours: [
    '{when|what time|until when} {is|are} {you|the shop|the $town shop} open{ on $day|}',
    '{are you|is the shop|is the $town shop} {open|closed|shut} on $day',
    '{what are|tell me} {the|your} {opening|shop} {hours|times}{ in $town|}',
    '{how late|how early} can i {come|call in} {on $day|at the shop}',
  ],
  reset_password: [
    'i {forgot|lost|do not know} my {password|pass word|login}',
    '{i cannot|it will not let me} {log in|sign in|get into my account}{ any more|}',
    '{please |}{send|mail} me {a|the} {reset|new password} {link|mail}{ again|}',
    'my {login|password|account} {is|has been} {locked|blocked}{ since $day|}',
  ],
  close_account: [
    '{please |i want to |}{close|delete|remove|end} my account{ for good|}',
    '{how do i|where can i} {delete|close|get rid of} {my|the} {account|profile}',
    '{take|wipe} {me|my name|my data} off your {lists|books|system}',
    'i {no longer|do not} want {an account|to be a customer}{ with you|}',
  ],
};
