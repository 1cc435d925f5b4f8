/** What editors and git change in a text unasked: line ends and a byte order mark. */

const MARK = /^(?:\ufeff|ï»¿)/;

/** The text without them, and which there were; null: none. Also of a text read as latin1. */
export function withoutEditorMarks(text: string): { text: string; what: string } | null {
  const ends = text.includes('\r\n');
  if (!ends && !MARK.test(text)) return null;
  const what = [
    ...(MARK.test(text) ? ['a byte order mark at its start'] : []),
    ...(ends ? ['its line ends (CR LF in place of LF)'] : []),
  ];
  return { text: text.replace(MARK, '').replaceAll('\r\n', '\n'), what: what.join(' and ') };
}
