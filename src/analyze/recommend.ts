/**
 * Which of the measured configurations to deploy. Quality and limits are decided before: only
 * those that hold are options. Point values choose the batch size to run at; whether a variant is
 * faster there is decided by its comparison, and what does not differ is decided by memory.
 */
import { bestBalance } from './balance.ts';
import type { Verdict } from './comparison.ts';

export interface Option {
  /** The run that measured it. */
  readonly id: string;
  readonly scheme: string;
  readonly batchSize: number;
  readonly p95Ms: number;
  readonly samplesPerSecond: number;
  readonly memoryBytes: number | null;
  /** Its latency against the baseline's at this batch size. */
  readonly speed: Verdict | 'baseline';
  /** Whether every limit is shown to be met, or only met by the value. */
  readonly limits: 'met' | 'unproven';
}

export interface Recommendation {
  readonly option: Option;
  /**
   * `faster`: shown to be; `equivalent`: nothing is shown faster, and of those as fast as the
   * baseline it takes the least memory; `baseline`: likewise, and that is the baseline itself;
   * `remaining`: nothing else is left, and how fast it is was not shown.
   */
  readonly why: 'faster' | 'equivalent' | 'baseline' | 'remaining';
  /** How the batch size was chosen. */
  readonly by: 'throughput' | 'balance' | 'only';
  /** Others that were not shown to be slower; they take more memory. */
  readonly tied: readonly Option[];
}

export interface Choice {
  /** With a limit on latency the most throughput inside it is wanted, else the best balance. */
  readonly latencyLimited: boolean;
  /** Whether a paired comparison shows the first to be slower than the second. */
  shownSlower(one: Option, than: Option): boolean;
}

/** null where there is no option. */
export function recommend(all: readonly Option[], choice: Choice): Recommendation | null {
  const proven = all.filter(({ limits }) => limits === 'met');
  const options = proven.length > 0 ? proven : all;
  const point = operatingPoint(options, choice.latencyLimited);
  if (point === null) return null;
  const { by } = point;
  const here = options.filter(({ batchSize }) => batchSize === point.option.batchSize);
  const faster = here.filter(({ speed }) => speed === 'better');
  const fastest = most(faster, (option) => option.samplesPerSecond);
  if (fastest) {
    const equal = faster.filter((each) => each === fastest || !choice.shownSlower(each, fastest));
    const option = leanest(equal) as Option;
    return { option, why: 'faster', by, tied: equal.filter((each) => each !== option) };
  }
  const equal = here.filter(({ speed }) => speed === 'equivalent' || speed === 'baseline');
  const option = leanest(equal);
  if (!option) return { option: leanest(here) as Option, why: 'remaining', by, tied: [] };
  const why = option.speed === 'baseline' ? 'baseline' : 'equivalent';
  return { option, why, by, tied: equal.filter((each) => each !== option) };
}

function operatingPoint(
  options: readonly Option[],
  latencyLimited: boolean,
): { option: Option; by: Recommendation['by'] } | null {
  const [only] = options;
  if (!only) return null;
  if (options.length === 1) return { option: only, by: 'only' };
  if (latencyLimited) {
    const option = most(options, (each) => each.samplesPerSecond) as Option;
    return { option, by: 'throughput' };
  }
  const field = options.map((each) => ({ ...each, throughput: each.samplesPerSecond }));
  return { option: options[bestBalance(field)?.winner ?? 0] as Option, by: 'balance' };
}

function leanest(options: readonly Option[]): Option | undefined {
  return most(options, ({ memoryBytes }) => -(memoryBytes ?? Number.POSITIVE_INFINITY));
}

/** The first of those with the largest value. */
function most(options: readonly Option[], of: (option: Option) => number): Option | undefined {
  return options.reduce<Option | undefined>(
    (best, each) => (best === undefined || of(each) > of(best) ? each : best),
    undefined,
  );
}
