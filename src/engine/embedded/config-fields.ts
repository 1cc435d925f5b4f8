/** Typed reading of config.json, where `null` means absent and a wrong type is a FormatError. */
import { FormatError } from '../../record/errors.ts';

/** No dimension of a model is larger; a hostile config must not make us allocate without bound. */
const MAX_DIMENSION = 2 ** 24;

export class ConfigFields {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly #where: string;

  constructor(raw: Readonly<Record<string, unknown>>, where = 'config.json') {
    this.raw = raw;
    this.#where = where;
  }

  /** The first of `names` that is present and not null. */
  find(...names: readonly string[]): { name: string; value: unknown } | undefined {
    for (const name of names) {
      const value = this.raw[name];
      if (value !== undefined && value !== null) return { name, value };
    }
    return undefined;
  }

  fail(name: string, expected: string, got: unknown): FormatError {
    return new FormatError(
      `${this.#where}: ${name} must be ${expected}, got ${JSON.stringify(got) ?? String(got)}`,
      {
        hint: 'The config is damaged or written by hand: take the one that came with the weights.',
        details: { path: this.#where, field: name, expected, got },
      },
    );
  }

  /** A dimension: an integer from 1 to 2^24. Without a fallback it is required. */
  dimension(names: readonly string[], fallback?: number): number {
    const found = this.find(...names);
    if (found === undefined && fallback !== undefined) return fallback;
    const value = found?.value;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) {
      if (value <= MAX_DIMENSION) return value;
    }
    throw this.fail(found?.name ?? names[0]!, `an integer from 1 to ${MAX_DIMENSION}`, value);
  }

  /** A finite number. Without a fallback it is required. */
  number(names: readonly string[], fallback?: number): number {
    const found = this.find(...names);
    if (found === undefined && fallback !== undefined) return fallback;
    if (typeof found?.value === 'number' && Number.isFinite(found.value)) return found.value;
    throw this.fail(found?.name ?? names[0]!, 'a finite number', found?.value);
  }

  flag(name: string, fallback: boolean): boolean {
    const found = this.find(name);
    if (found === undefined) return fallback;
    if (typeof found.value === 'boolean') return found.value;
    throw this.fail(name, 'true or false', found.value);
  }

  text(name: string): string | undefined {
    const found = this.find(name);
    if (found === undefined) return undefined;
    if (typeof found.value === 'string') return found.value;
    throw this.fail(name, 'a string', found.value);
  }

  /** A nested object, or undefined where it is absent. */
  object(name: string): ConfigFields | undefined {
    const found = this.find(name);
    if (found === undefined) return undefined;
    if (typeof found.value !== 'object' || Array.isArray(found.value)) {
      throw this.fail(name, 'an object', found.value);
    }
    return new ConfigFields(found.value as Record<string, unknown>, `${this.#where}: ${name}`);
  }

  integers(name: string): readonly number[] | undefined {
    const found = this.find(name);
    if (found === undefined) return undefined;
    const value = found.value;
    if (Array.isArray(value) && value.every((item) => Number.isInteger(item))) return value;
    throw this.fail(name, 'a list of integers', value);
  }

  strings(name: string): readonly string[] | undefined {
    const found = this.find(name);
    if (found === undefined) return undefined;
    const value = found.value;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw this.fail(name, 'a list of strings', value);
  }
}
