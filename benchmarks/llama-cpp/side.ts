/** One engine in a process of its own, asked over IPC: nothing of it touches the other's heap. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export interface GenerateCommand {
  readonly prompts: readonly (readonly number[])[];
  readonly newTokens: number;
  /** `binding`: llama.cpp's own batch calls, without node-llama-cpp's scheduler. */
  readonly through: 'api' | 'binding';
}

/** ms on the side's monotonic clock, from the start of the call. */
export interface Generated {
  readonly ids: number[][];
  /** When the last row had its first token. */
  readonly prefillMs: number;
  /** When the last row had its last token. */
  readonly endMs: number;
}

export interface ScoreCommand {
  readonly ids: readonly number[];
  readonly scoreFrom: number;
}

/** Natural-log probability of each scored token, and the most likely token in its place. */
export interface Scored {
  readonly logp: number[];
  readonly best: number[];
}

export type Command = { generate: GenerateCommand } | { score: ScoreCommand } | { about: true };

/** What a side can do; `serveSide` answers the parent with it. */
export interface SideEngine {
  about(): string;
  generate(command: GenerateCommand): Promise<Generated>;
  score(command: ScoreCommand): Promise<Scored>;
}

type Answer = { result: unknown } | { error: string };

/** Answers the parent until it disconnects. */
export function serveSide(engine: SideEngine): void {
  const answer = async (command: Command): Promise<unknown> => {
    if ('generate' in command) return engine.generate(command.generate);
    if ('score' in command) return engine.score(command.score);
    return engine.about();
  };
  process.on('message', (command: Command) => {
    answer(command).then(
      (result) => process.send!({ result }),
      (error: Error) => process.send!({ error: error.stack ?? error.message }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send!({ result: 'ready' });
}

/** Starts `script` with the same loader as this process; resolves when its model is loaded. */
export class Side {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(script: string, args: readonly string[]): Promise<Side> {
    const side = new Side(fork(script, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
    await side.#answer();
    return side;
  }

  async about(): Promise<string> {
    return (await this.#ask({ about: true })) as string;
  }

  async generate(generate: GenerateCommand): Promise<Generated> {
    return (await this.#ask({ generate })) as Generated;
  }

  async score(score: ScoreCommand): Promise<Scored> {
    return (await this.#ask({ score })) as Scored;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  async #ask(command: Command): Promise<unknown> {
    this.#child.send(command);
    return this.#answer();
  }

  async #answer(): Promise<unknown> {
    const settled = new AbortController();
    const { signal } = settled;
    const ended = once(this.#child, 'exit', { signal }).then(([code, by]) => {
      throw new Error(`${this.#child.spawnargs.join(' ')} ended with ${by ?? code}`);
    });
    const answered = once(this.#child, 'message', { signal });
    // The one that is not awaited any more is called off, and nobody asks how it ended.
    ended.catch(() => {});
    answered.catch(() => {});
    const [answer] = (await Promise.race([answered, ended])) as [Answer];
    settled.abort();
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  }
}
