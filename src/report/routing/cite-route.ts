/** Numbers of routing documents: each with its place in the facts of a trace. */
import type { NumberFormat } from '../../record/numerals.ts';
import { factAt, type RouteFacts, type RouteNumberReference } from '../../routing/route-facts.ts';
import type { Cited, DocumentBuilder, Piece } from '../document.ts';

export type RouteCited = Cited<RouteNumberReference>;
export type RoutePiece = Piece<RouteNumberReference>;
export type RouteBuilder = DocumentBuilder<RouteNumberReference>;

export const INTEGER: NumberFormat = { style: 'integer' };
export const PLAIN: NumberFormat = { style: 'plain' };
export const fixed = (digits: number): NumberFormat => ({ style: 'fixed', digits });
export const percent = (digits: number): NumberFormat => ({ style: 'percent', digits });

/** One file, or two compared, and what is known of it. */
export class CitedFacts {
  readonly facts: RouteFacts;
  readonly #file: { readonly trace: string; readonly against?: string };

  constructor(facts: RouteFacts, file: { readonly trace: string; readonly against?: string }) {
    this.facts = facts;
    this.#file = file;
  }

  cite(field: string, format: NumberFormat): RouteCited {
    const reference = { from: 'route', ...this.#file, field } as const;
    return { value: factAt(this.facts, field), format, reference };
  }

  /** `[low, high]`, or a dash. */
  interval(field: string, format: NumberFormat): RoutePiece {
    const [low, high] = [this.cite(`${field}/0`, format), this.cite(`${field}/1`, format)];
    return low.value === null ? '—' : ['[', low, ', ', high, ']'];
  }

  /** For the data of a chart, whose types know the numbers of runs alone. */
  plotted(field: string): Cited {
    return this.cite(field, PLAIN) as unknown as Cited;
  }

  /** The same in a sentence of a chart. */
  said(field: string, format: NumberFormat): Cited {
    return this.cite(field, format) as unknown as Cited;
  }
}
