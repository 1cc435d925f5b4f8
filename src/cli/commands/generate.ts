/** `assay generate`: continue prompts; one prompt streams, several make one batch. */

import type { GenerateRequest } from '../../engine/engine.ts';
import { openEngine, resolveModel } from '../../engine/open.ts';
import type { Tokenizer } from '../../engine/tokenizer.ts';
import { absoluteModel } from '../../experiment/plan.ts';
import { FormatError, UsageError } from '../../record/errors.ts';
import { downloadView } from '../download.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { builtinDir } from '../package.ts';

interface Options {
  model: string;
  scheme: string;
  activations: 'int8' | 'f32';
  device: 'cpu' | 'webgpu';
  threads?: number;
  ignore?: string[];
  seed: number;
  prompt: string[];
  chat?: boolean;
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  stop?: string[];
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  if (options.topP !== undefined && (options.topP <= 0 || options.topP > 1)) {
    throw new UsageError('--top-p: a number above 0 and at most 1 is needed', {
      hint: 'see `assay generate --help`',
    });
  }
  const access = { builtinDir: builtinDir(), env: io.env, ...downloadView(io) };
  const model = absoluteModel(options.model, { baseDir: io.cwd });
  const { tokenizer, identity } = await resolveModel(model, access);
  if (!tokenizer) {
    throw new FormatError(`${options.model}: no tokenizer.json, a prompt cannot be read`, {
      hint: 'put the tokenizer files beside the weights',
    });
  }
  const { scheme, activations, device, threads, ignore, seed } = options;
  const engine = await openEngine({
    ...access,
    model,
    scheme,
    activations,
    device,
    seed,
    identity,
    ...(threads === undefined ? {} : { threads }),
    ...(ignore === undefined ? {} : { ignore }),
  });
  try {
    const requests = await requestsOf(options, tokenizer);
    const texts = requests.map(() => new StopText(tokenizer, options.stop ?? []));
    const live = requests.length === 1 && !options.json;
    const stopping = new AbortController();
    const signal = AbortSignal.any([io.signal, stopping.signal]);
    const results = await engine.generate(
      requests,
      ({ request, id }) => {
        const text = texts[request] as StopText;
        const piece = requests[request]?.stopIds.includes(id) ? '' : text.push(id);
        if (live) io.stdout.write(piece);
        if (texts.every((each) => each.stopped)) stopping.abort();
      },
      signal,
    );
    for (const text of texts) if (live) io.stdout.write(text.end());
    if (live) writeLine(io.stdout);
    const outputs = results.map((result, i) => ({
      prompt: options.prompt[i],
      text: (texts[i] as StopText).whole(),
      ids: result.ids,
      finish: texts[i]?.stopped ? 'stop' : result.finish,
    }));
    if (options.json) writeJson(io.stdout, { scheme, precision: engine.info.precision, outputs });
    else if (!live)
      for (const { text, prompt } of outputs) writeLine(io.stdout, `${prompt}${text}`);
    return io.signal.aborted ? 130 : 0;
  } finally {
    await engine.close();
  }
}

async function requestsOf(options: Options, tokenizer: Tokenizer): Promise<GenerateRequest[]> {
  const requests: GenerateRequest[] = [];
  for (const [index, prompt] of options.prompt.entries()) {
    const text = options.chat ? await tokenizer.chat([{ role: 'user', content: prompt }]) : prompt;
    requests.push({
      ids: tokenizer.encode(text, { special: !options.chat }),
      maxNewTokens: options.maxTokens,
      stopIds: tokenizer.eosId === null ? [] : [tokenizer.eosId],
      temperature: options.temperature,
      seed: options.seed + index,
      ...(options.topK === undefined ? {} : { topK: options.topK }),
      ...(options.topP === undefined ? {} : { topP: options.topP }),
    });
  }
  return requests;
}

/** Decodes a stream and ends it before a stop text, also one that arrives in pieces. */
class StopText {
  text = '';
  stopped = false;
  readonly #stream: ReturnType<Tokenizer['stream']>;
  readonly #stops: readonly string[];
  #shown = 0;
  #ended = false;

  constructor(tokenizer: Tokenizer, stops: readonly string[]) {
    this.#stream = tokenizer.stream();
    this.#stops = stops.filter((stop) => stop !== '');
  }

  /** What may be shown now: text that could still become a stop is held back. */
  push(id: number): string {
    return this.stopped ? '' : this.#take(this.#stream.push(id), false);
  }

  end(): string {
    if (this.stopped || this.#ended) return '';
    this.#ended = true;
    return this.#take(this.#stream.end(), true);
  }

  /** The whole text, without a stop text. */
  whole(): string {
    this.end();
    return this.text;
  }

  #take(piece: string, last: boolean): string {
    this.text += piece;
    const found = this.#stops.map((stop) => this.text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.stopped = true;
      this.text = this.text.slice(0, Math.min(...found));
    }
    const safe = last || this.stopped ? this.text.length : this.text.length - this.#held();
    const shown = this.text.slice(this.#shown, Math.max(this.#shown, safe));
    this.#shown = Math.max(this.#shown, safe);
    return shown;
  }

  /** Length of the longest end of the text that begins a stop text. */
  #held(): number {
    let most = 0;
    for (const stop of this.#stops) {
      for (let n = Math.min(stop.length - 1, this.text.length); n > most; n--) {
        if (this.text.endsWith(stop.slice(0, n))) most = n;
      }
    }
    return most;
  }
}
