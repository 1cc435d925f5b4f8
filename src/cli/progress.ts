/** Progress of an experiment: bars on a terminal, one plain line a step elsewhere. */
import type { Cell } from '../experiment/cell.ts';
import type { ExperimentEvent } from '../experiment/supervise.ts';
import { type CommandIo, writeLine } from './io.ts';

export interface ProgressView {
  onEvent(event: ExperimentEvent): void;
  stop(): void;
}

export async function progressView(io: CommandIo): Promise<ProgressView> {
  return io.stderr.isTTY ? barView(io) : lineView(io);
}

function label(cell: Cell): string {
  return cell.name.replaceAll('~', ' ');
}

function endText(event: Extract<ExperimentEvent, { type: 'cell-end' }>): string {
  const { status, elapsedMs, reason } = event.manifest;
  const time = `${((elapsedMs ?? 0) / 1_000).toFixed(1)} s`;
  return `${label(event.cell)}: ${status} in ${time}${reason ? ` — ${reason}` : ''}`;
}

/** Time that the cells to come will take, if they take as long as those that ran. */
class Remaining {
  readonly #start = performance.now();
  #ran = 0;

  text(event: Extract<ExperimentEvent, { type: 'cell-start' }>): string {
    if (this.#ran === 0) return '';
    const each = (performance.now() - this.#start) / 1_000 / this.#ran;
    return `, about ${Math.ceil(each * (event.of - event.index))} s left`;
  }

  count(event: ExperimentEvent): void {
    if (event.type === 'cell-end') this.#ran++;
  }
}

function startText(
  event: Extract<ExperimentEvent, { type: 'cell-start' }>,
  remaining: Remaining,
): string {
  const resumed = event.resumed > 0 ? ` (resuming after ${event.resumed} batches)` : '';
  return `[${event.index + 1}/${event.of}${remaining.text(event)}] ${label(event.cell)}${resumed}`;
}

function lineView(io: CommandIo): ProgressView {
  const remaining = new Remaining();
  return {
    onEvent(event) {
      remaining.count(event);
      if (event.type === 'cell-start') writeLine(io.stderr, startText(event, remaining));
      if (event.type === 'cell-end') writeLine(io.stderr, `  ${endText(event)}`);
      if (event.type === 'cell-reused') {
        writeLine(io.stderr, `${label(event.cell)}: already measured (${event.runId})`);
      }
      if (event.type === 'cell-plan') {
        writeLine(io.stderr, `  ${event.scoredTokens} tokens to score, ${event.batches} batches`);
      }
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
  return {
    onEvent(event) {
      remaining.count(event);
      if (event.type === 'cell-start') {
        end();
        bar = new cliProgress.SingleBar({
          format: `${startText(event, remaining)} {bar} {percentage}% · {eta_formatted} left`,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          barsize: 24,
          hideCursor: true,
          clearOnComplete: true,
          etaBuffer: 50,
          stream: io.stderr as unknown as NodeJS.WriteStream,
        });
        bar.start(1, 0);
      } else if (event.type === 'cell-plan') {
        bar?.setTotal(event.batches);
      } else if (event.type === 'cell-progress') {
        bar?.update(event.batches);
      } else if (event.type === 'cell-end') {
        end();
        writeLine(io.stderr, endText(event));
      } else {
        writeLine(io.stderr, `${label(event.cell)}: already measured`);
      }
    },
    stop: end,
  };
}
