/** Where a value stands in a JSON text: what messages about a changed number point at. */

export interface JsonLeaf {
  readonly path: readonly (string | number)[];
  /** Offsets in the text, half open. */
  readonly start: number;
  readonly end: number;
}

/**
 * Every string, number, boolean and null of a JSON text in order, with its path. The text must be
 * valid JSON that `parseJson` accepted before: that bounds its depth.
 */
export function jsonLeaves(text: string): JsonLeaf[] {
  const leaves: JsonLeaf[] = [];
  let at = 0;
  const space = (): void => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const stringEnd = (): number => {
    let end = at + 1;
    while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    return end + 1;
  };
  const value = (path: readonly (string | number)[]): void => {
    space();
    const first = text[at];
    if (first === '{' || first === '[') {
      members(path, first === '{');
      return;
    }
    const start = at;
    if (first === '"') at = stringEnd();
    else while (at < text.length && !/[\s,\]}]/.test(text[at] as string)) at++;
    leaves.push({ path, start, end: at });
  };
  const members = (path: readonly (string | number)[], isObject: boolean): void => {
    at++;
    for (let index = 0; ; index++) {
      space();
      if (text[at] === '}' || text[at] === ']') break;
      if (text[at] === ',') at++;
      space();
      let key: string | number = index;
      if (isObject) {
        const end = stringEnd();
        key = JSON.parse(text.slice(at, end)) as string;
        at = end;
        space();
        at++;
      }
      value([...path, key]);
    }
    at++;
  };
  value([]);
  return leaves;
}

/** `metrics.perplexity.ci95[0]` */
export function pathText(path: readonly (string | number)[]): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : i > 0 ? `.${key}` : key))
    .join('');
}

export function leafAt(leaves: readonly JsonLeaf[], offset: number): JsonLeaf | undefined {
  return leaves.find((leaf) => offset >= leaf.start && offset < leaf.end);
}

export function leafOf(
  leaves: readonly JsonLeaf[],
  path: readonly (string | number)[],
): JsonLeaf | undefined {
  return leaves.find(
    (leaf) => leaf.path.length === path.length && leaf.path.every((key, i) => key === path[i]),
  );
}
