/** Plain tables for a terminal: columns padded to their widest cell, numbers to the right. */
export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

export function textTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string {
  const widths = columns.map((column, i) =>
    Math.max(width(column.title), ...rows.map((row) => width(row[i] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const gap = ' '.repeat((widths[i] as number) - width(cell));
        return columns[i]?.align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((n) => '─'.repeat(n)).join('  ');
  return [line(columns.map((column) => column.title)), rule, ...rows.map(line)].join('\n');
}

/** Terminal columns of a text without control sequences, wide characters or combining marks. */
function width(text: string): number {
  return [...text].length;
}
