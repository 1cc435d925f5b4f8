/** What two timed runs, one that logged routes and one that did not, say about its cost. */

/** A numeral as it was written: its value, and how far off the truth its rounding may be. */
export interface Written {
  readonly value: number;
  /** Half a unit of the last digit. */
  readonly error: number;
}

export interface TimedRun {
  readonly name: string;
  readonly wallS: Written | null;
  readonly tokens: Written | null;
  readonly tokensPerS: Written | null;
}

export interface Timing {
  readonly plain: TimedRun;
  readonly logged: TimedRun;
}

/** Share of the plain run's time that logging added. */
export interface Overhead {
  readonly by: 'tokensPerSecond' | 'wallTime';
  readonly share: number;
  /** What the rounding of the numerals alone leaves open. */
  readonly rounding: readonly [number, number];
  /** Computed from tokens and wall time, since the file has no rate. */
  readonly computed: boolean;
}

export interface TimingFinding {
  readonly code: 'not-deterministic' | 'warm-up' | 'rounding' | 'one-run' | 'rate' | 'missing';
  readonly verdict: 'refuted' | 'suspicious' | 'not-evidenced';
  readonly message: string;
}

export interface JudgedTiming extends Timing {
  readonly overheads: readonly Overhead[];
  readonly findings: readonly TimingFinding[];
}

export function judgeTiming(timing: Timing): JudgedTiming {
  const { plain, logged } = timing;
  const overheads = [byRate(timing), byTime(timing)].filter((each) => each !== null);
  const findings: TimingFinding[] = [];
  const find = (
    code: TimingFinding['code'],
    verdict: TimingFinding['verdict'],
    message: string,
  ): void => {
    findings.push({ code, verdict, message });
  };
  if (plain.tokens && logged.tokens && plain.tokens.value !== logged.tokens.value) {
    const [a, b] = [plain.tokens.value, logged.tokens.value];
    const said = `${plain.name} made ${a} tokens and ${logged.name} ${b}`;
    find('not-deterministic', 'refuted', `not deterministic: ${said}`);
  }
  const faster = overheads.find(({ share }) => share < 0);
  if (faster) {
    const how = `${(-100 * faster.share).toFixed(2)} % by ${WORDS[faster.by]}`;
    find('warm-up', 'suspicious', `warm-up not controlled: the logged run is faster, ${how}`);
  }
  for (const { by, share, rounding } of overheads) {
    if (rounding[0] > 0 || rounding[1] < 0) continue;
    const [low, high] = rounding.map((end) => (100 * end).toFixed(2));
    const said = `${(100 * share).toFixed(2)} % by ${WORDS[by]}`;
    const open = `may be anything in [${low}, ${high}] %`;
    find('rounding', 'not-evidenced', `rounded away: ${said} ${open}`);
  }
  for (const run of [plain, logged]) {
    const wrong = wrongRate(run);
    if (wrong !== null) find('rate', 'refuted', wrong);
  }
  if (overheads.length === 0) {
    find('missing', 'not-evidenced', 'neither wall times nor rates of both runs are there');
  } else {
    const message = 'one run of each: what two runs of the same differ by is not known';
    find('one-run', 'not-evidenced', message);
  }
  return { ...timing, overheads, findings };
}

const WORDS = { tokensPerSecond: 'tokens/s', wallTime: 'wall time' } as const;

/** 1 − logged / plain of tokens a second. */
function byRate({ plain, logged }: Timing): Overhead | null {
  const [a, b] = [rateOf(plain), rateOf(logged)];
  if (a === null || b === null) return null;
  const computed = plain.tokensPerS === null || logged.tokensPerS === null;
  const share = 1 - b.value / a.value;
  const [low, high] = [
    1 - (b.value + b.error) / (a.value - a.error),
    1 - (b.value - b.error) / (a.value + a.error),
  ];
  return { by: 'tokensPerSecond', share, rounding: [low, high], computed };
}

/** logged / plain − 1 of wall time. */
function byTime({ plain: { wallS: a }, logged: { wallS: b } }: Timing): Overhead | null {
  if (a === null || b === null || a.value <= 0) return null;
  const low = (b.value - b.error) / (a.value + a.error) - 1;
  const high = (b.value + b.error) / (a.value - a.error) - 1;
  return {
    ...{ by: 'wallTime', share: b.value / a.value - 1, rounding: [low, high] },
    computed: false,
  };
}

function rateOf({ tokens, wallS, tokensPerS }: TimedRun): Written | null {
  if (tokensPerS !== null) return tokensPerS.value > 0 ? tokensPerS : null;
  if (tokens === null || wallS === null || wallS.value <= wallS.error) return null;
  const value = tokens.value / wallS.value;
  const most = tokens.value / (wallS.value - wallS.error);
  return { value, error: most - value };
}

/** A rate that tokens / time, as far as their rounding goes, cannot be. */
function wrongRate({ name, tokens, wallS, tokensPerS }: TimedRun): string | null {
  if (tokens === null || wallS === null || tokensPerS === null) return null;
  if (wallS.value <= wallS.error) return null;
  const least = tokens.value / (wallS.value + wallS.error) - tokensPerS.error;
  const most = tokens.value / (wallS.value - wallS.error) + tokensPerS.error;
  if (tokensPerS.value >= least && tokensPerS.value <= most) return null;
  const is = (tokens.value / wallS.value).toFixed(2);
  return `${name}: ${tokensPerS.value} tokens/s, but ${tokens.value} / ${wallS.value} s is ${is}`;
}
