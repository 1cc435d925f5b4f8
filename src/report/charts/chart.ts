/** A chart: a Vega-Lite specification with its data, and what it says to who cannot see it. */
import type { CitedJson, Words } from './cited-json.ts';
import { CONFIG } from './theme.ts';

/** Beside the log of an experiment. */
export const CHARTS_FOLDER = 'charts';

export interface Chart {
  /** Of its files, without an extension. */
  readonly name: string;
  readonly title: string;
  /** What a reader sees in it, without numbers. */
  readonly alt: string;
  readonly spec: Spec;
}

export type Spec = { readonly [key: string]: CitedJson | undefined };

/** Why a chart is not drawn: nothing is ever an empty picture. */
export interface Undrawn {
  readonly name: string;
  readonly title: string;
  readonly reason: string;
}

export type Planned = Chart | Undrawn;

export function isDrawn(planned: Planned): planned is Chart {
  return 'spec' in planned;
}

interface Heading {
  readonly name: string;
  readonly title: string;
  readonly alt: string;
  /** Below the title, a line each. */
  readonly notes: readonly (string | Words | null)[];
}

export function chart({ name, title, alt, notes }: Heading, view: Spec): Chart {
  const subtitle = notes.filter((note) => note !== null);
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, ...(subtitle.length > 0 ? { subtitle } : {}) },
    ...view,
    config: CONFIG as unknown as CitedJson,
  };
  return { name, title, alt, spec };
}

/** A rule from the low to the high end of an interval, with a cap at each. */
export function interval(low: string, high: string, along: 'x' | 'y', filter?: string): Spec[] {
  const field = (name: string): CitedJson => ({ field: name, type: 'quantitative' });
  const only = { transform: [{ filter: filter ?? `isValid(datum.${low})` }] };
  const cap = {
    type: 'tick',
    orient: along === 'x' ? 'vertical' : 'horizontal',
    color: '#222222',
    size: 6,
    thickness: 1.1,
  };
  return [
    {
      ...only,
      mark: { type: 'rule', color: '#222222', strokeWidth: 1.1 },
      encoding: { [along]: field(low), [`${along}2`]: { field: high } },
    },
    { ...only, mark: cap, encoding: { [along]: field(low) } },
    { ...only, mark: cap, encoding: { [along]: field(high) } },
  ];
}
