/** How all charts look: one font, colours that the colour-blind tell apart, quiet axes. */
import type { CitedJson } from './cited-json.ts';

export const FONT = 'DejaVu Sans';

/** Okabe and Ito (2008) without its yellow, then Tol's muted; grey comes first, for baselines. */
const COLORS = [
  '#4d4d4d',
  '#0072b2',
  '#e69f00',
  '#009e73',
  '#cc79a7',
  '#d55e00',
  '#56b4e9',
  '#882255',
  '#999933',
  '#332288',
  '#117733',
  '#aa4499',
];
export const INK = '#222222';
export const BETTER = '#0072b2';
export const WORSE = '#d55e00';
export const NEITHER = '#999999';

export const CONFIG = {
  font: FONT,
  background: 'white',
  padding: 14,
  view: { stroke: null },
  axis: {
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titleColor: '#444444',
    labelColor: INK,
    gridColor: '#e8e8e8',
    domainColor: '#888888',
    tickColor: '#888888',
    labelLimit: 260,
  },
  axisX: { labelAngle: 0 },
  title: {
    fontSize: 14,
    anchor: 'start',
    frame: 'group',
    subtitleFontSize: 11,
    subtitleColor: '#555555',
    subtitlePadding: 5,
    offset: 12,
  },
  header: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal' },
  legend: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal', labelLimit: 220 },
} as const;

/** The same variant has the same colour in every chart of a report. */
export function colorScale(variants: readonly string[]): CitedJson {
  return { domain: [...variants], range: variants.map((_, i) => COLORS[i % COLORS.length]!) };
}
