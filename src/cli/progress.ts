/** Progress of an experiment: bars on a terminal, one plain line a step elsewhere. */
import type { Cell } from '../experiment/cell.ts';
import type { ExperimentEvent } from '../experiment/supervise-context.ts';
import { type CommandIo, writeLine } from './io.ts';

export interface ProgressView {
  onEvent(event: ExperimentEvent): void;
  stop(): void;
}

type EventOf<T extends ExperimentEvent['type']> = Extract<ExperimentEvent, { type: T }>;

export async function progressView(io: CommandIo): Promise<ProgressView> {
  return io.stderr.isTTY ? barView(io) : lineView(io);
}

function label(cell: Cell): string {
  return cell.name.replaceAll('~', ' ');
}

function variantLabel(cell: Cell): string {
  return label(cell).replace(/ bench-b\d+$/, '');
}

function endText(event: EventOf<'cell-end'>): string {
  const { status, elapsedMs, reason } = event.manifest;
  const time = `${((elapsedMs ?? 0) / 1_000).toFixed(1)} s`;
  return `${label(event.cell)}: ${status} in ${time}${reason ? ` — ${reason}` : ''}`;
}

/** Time that the cells to come will take, if they take as long as those that ran. */
class Remaining {
  readonly #start = performance.now();
  #ran = 0;

  text(event: EventOf<'cell-start'>): string {
    if (this.#ran === 0) return '';
    const each = (performance.now() - this.#start) / 1_000 / this.#ran;
    return `, about ${Math.ceil(each * (event.of - event.index))} s left`;
  }

  count(event: ExperimentEvent): void {
    if (event.type === 'cell-end') this.#ran++;
  }
}

function startText(event: EventOf<'cell-start'>, remaining: Remaining): string {
  const resumed = event.resumed > 0 ? ` (resuming after ${event.resumed} batches)` : '';
  return `[${event.index + 1}/${event.of}${remaining.text(event)}] ${label(event.cell)}${resumed}`;
}

function benchText(event: EventOf<'bench-start'>): string {
  const { cells, variants, rounds, resumed } = event;
  const kept = resumed > 0 ? `, resuming after ${resumed} rounds of cells` : '';
  const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
  const what = `${plural(variants, 'variant')}, ${plural(cells, 'cell')}`;
  return `benchmark: ${what}, interleaved in ${plural(rounds, 'round')}${kept}`;
}

function checkpointText({ cell, path }: EventOf<'checkpoint-write'>): string {
  return `quantizing to disk: ${variantLabel(cell)} as ${path}`;
}

function coldText(event: EventOf<'cold-start'>): string {
  return `cold start ${event.index + 1} of ${event.of}: ${variantLabel(event.cell)}`;
}

function lineView(io: CommandIo): ProgressView {
  const remaining = new Remaining();
  const textOf = (event: ExperimentEvent): string | null => {
    switch (event.type) {
      case 'cell-start':
        return startText(event, remaining);
      case 'cell-end':
        return `  ${endText(event)}`;
      case 'cell-reused':
        return `${label(event.cell)}: already measured (${event.runId})`;
      case 'checkpoint-write':
        return checkpointText(event);
      case 'cell-plan':
        return `  ${event.scoredTokens} tokens to score, ${event.batches} batches`;
      case 'bench-start':
        return benchText(event);
      case 'cold-start':
        return `  ${coldText(event)}`;
      case 'variant-load':
        return `  loading ${variantLabel(event.cell)}`;
      case 'bench-round':
        return `  round ${event.round + 1} of ${event.of}`;
      default:
        return null;
    }
  };
  return {
    onEvent(event) {
      remaining.count(event);
      const text = textOf(event);
      if (text !== null) writeLine(io.stderr, text);
    },
    stop() {},
  };
}

async function barView(io: CommandIo): Promise<ProgressView> {
  const { default: cliProgress } = await import('cli-progress');
  const remaining = new Remaining();
  let bar: InstanceType<typeof cliProgress.SingleBar> | null = null;
  const end = (): void => {
    bar?.stop();
    bar = null;
  };
  const begin = (title: string, of: number): void => {
    end();
    bar = new cliProgress.SingleBar({
      format: `${title} {bar} {percentage}% · {eta_formatted} left`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
      stream: io.stderr as unknown as NodeJS.WriteStream,
    });
    bar.start(of, 0);
  };
  const say = (text: string): void => {
    end();
    writeLine(io.stderr, text);
  };
  const onEvent = (event: ExperimentEvent): void => {
    remaining.count(event);
    switch (event.type) {
      case 'cell-start':
        begin(startText(event, remaining), 1);
        break;
      case 'cell-plan':
        bar?.setTotal(event.batches);
        break;
      case 'cell-progress':
        bar?.update(event.batches);
        break;
      case 'cell-end':
        say(endText(event));
        break;
      case 'cell-reused':
        say(`${label(event.cell)}: already measured`);
        break;
      case 'checkpoint-write':
        say(checkpointText(event));
        break;
      case 'bench-start':
        say(benchText(event));
        break;
      case 'cold-start':
        if (!bar) begin('cold starts', event.of);
        bar?.update(event.index);
        break;
      case 'variant-load':
        begin(`loading ${variantLabel(event.cell)}`, 1);
        break;
      case 'bench-round':
        // Slices say more.
        break;
      case 'bench-progress':
        if (!bar || event.slices === 1) begin('benchmark', event.of);
        bar?.update(event.slices);
        break;
    }
  };
  return { onEvent, stop: end };
}
