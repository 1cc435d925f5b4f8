/** Sentences that carry most of the text's entropy: free word choice inside a fixed frame. */
export const MUSINGS: readonly string[] = [
  '$who {thought|dreamed} of $likes and of the $adj $nature {near $home|beyond $village}.',
  'the $adj $beast {$verb|watched} the $nature{ and the $adj $beast|} $manner.',
  '{$who said that |people said that |}$virtue is a $adj {guest|friend|road|tool|$beast}.',
  'the $nature was $adj, the $nature was $adj and $doing.',
  '$she ate $food {and $food |with $drink |}and {$verb the $stuff $thing|felt $feeling}.',
  '$who {$verb|mended} $craft $manner{, then $verb a $adj $thing|}.',
  'a $beast and a $beast were $doing $spot.',
  'no one {$verb|saw} the $colour $beast but $who, who was $feeling.',
  '$virtue and $virtue, $who {said|wrote|sang}, make a $adj {house|winter|neighbour}.',
  'the $thing was $stuff, the $thing was $colour, and both were $adj.',
  '$she {hummed|laughed|sighed} and {$verb the $beast|counted $number $beast tracks}.',
  '{over|beyond|along} the $adj $nature a $adj $nature was $doing.',
  '{never|always} trade a $thing for a $beast, {said|wrote} $who, nor $virtue for $food.',
  '$she {kept|wanted|lost} a $stuff $thing, a $colour $thing and a $adj $thing.',
  'the $beast was $feeling, the $beast was $doing, but the $beast only $verb the $thing.',
  '{how|why} $adj the $nature was, and how $adj the $thing{ $spot|}!',
  '$who $verb the $thing, $verb the $food and $verb $craft {$time|$manner}.',
  '$weather made the $nature $adj and the $beast $feeling.',
  '{between|behind} a $nature and a $nature $who $verb a $stuff $thing.',
  '$food with $food, $feeling $who {said|knew}, is $adj {food|luck}.',
];

export const LAMENTS: readonly string[] = [
  '$who {missed|remembered} $friend, {who was $feeling|the $adj one}, and $verb $craft.',
  '$she {was $feeling|felt $feeling and $feeling} because {of $weather|$craft was $adj}.',
  '$who wanted $food, $drink and a $adj $thing.',
  'a $adj $beast had {$verb|hidden|chewed} the $colour $thing.',
  '$craft was $adj again and $who $verb it $manner.',
  '$who {lost|broke|found} a $stuff $thing $spot.',
  '$who, always $trait, {$verb|forgot} the $food and the $adj $thing.',
  '$time $who {was $doing|felt $feeling} {by the $nature|under the $adj $nature}.',
];

export const TALK: readonly string[] = [
  '"The $nature is $adj today," said $who to $to. "{Bring|Keep|Mend|Sell} the $thing."',
  '"Have you seen my $colour $thing?" asked $who. "$to, {look|try} $spot," $she {said|added}.',
  '$who told $to about {a $adj $beast|the $adj $nature near $home|$likes and $virtue}.',
  '"$virtue," $who told $to, "is {never|always|often|seldom} as $adj as $virtue."',
  '$who and $to {ate $food and $food|drank $drink|$verb $craft} and were $feeling.',
  '"I am $feeling," said $to. $who {laughed|nodded|$verb the $beast} and {gave $food|sang}.',
  '$who asked $to for $food, but $to had only $food and a little $drink.',
  '"{Is $craft|Was the $nature} $adj?" asked $who. "{Yes|No|Perhaps|Hardly}," said $to $manner.',
];
