/** The pictures of the log: links to files beside it, each with words for who cannot see it. */
import { isDrawn, type Planned } from './charts/chart.ts';
import type { DocumentBuilder } from './document.ts';

export function chartSection(doc: DocumentBuilder, planned: readonly Planned[]): void {
  if (planned.length === 0) return;
  doc.heading(2, 'Charts');
  doc.line`Each picture is there as SVG, as PNG, and as \`charts/NAME.vl.json\`, a Vega-Lite`;
  doc.line`specification with its data: anyone can draw it again.`;
  for (const chart of planned.filter(isDrawn)) {
    doc.blank();
    doc.line`![${chart.title}. ${chart.alt}](charts/${chart.name}.svg)`;
  }
  const undrawn = planned.filter((each) => !isDrawn(each));
  if (undrawn.length > 0) doc.blank();
  for (const each of undrawn) {
    if ('reason' in each) doc.line`- Not drawn: ${each.title}, because ${each.reason}.`;
  }
}
