import type { Rng } from './rng.ts';

/**
 * A tiny text grammar: `{a|b|c}` picks one branch (branches nest, and may be empty), `$name` is
 * replaced by a variable, or by a random word of the list of that name.
 */
type Node = string | { readonly branches: readonly (readonly Node[])[] } | { readonly ref: string };
export type Vars = Readonly<Record<string, string>>;
export type Lists = Readonly<Record<string, readonly string[]>>;

// Templates repeat millions of times in the training data: parse each text once.
const parsed = new Map<string, readonly Node[]>();

export function expand(rng: Rng, template: string, vars: Vars, lists: Lists): string {
  let nodes = parsed.get(template);
  if (nodes === undefined) {
    nodes = parse(template);
    parsed.set(template, nodes);
  }
  return render(rng, nodes, vars, lists);
}

/** Tidies an expanded sentence: single spaces, "an" before a vowel, a capital at the start. */
export function sentence(text: string): string {
  const tidy = text
    .replace(/ {2,}/g, ' ')
    .replace(/ ([,.;:?!])/g, '$1')
    .replace(/\b([Aa]) (?=[aeiou]|honest)/g, '$1n ')
    .trim();
  const start = tidy.search(/[A-Za-z]/);
  if (start < 0) return tidy;
  return tidy.slice(0, start) + tidy.charAt(start).toUpperCase() + tidy.slice(start + 1);
}

function render(rng: Rng, nodes: readonly Node[], vars: Vars, lists: Lists): string {
  let out = '';
  for (const node of nodes) {
    if (typeof node === 'string') out += node;
    else if ('branches' in node) out += render(rng, rng.pick(node.branches), vars, lists);
    else out += resolve(rng, node.ref, vars, lists);
  }
  return out;
}

function resolve(rng: Rng, name: string, vars: Vars, lists: Lists): string {
  const value = vars[name];
  if (value !== undefined) return value;
  const list = lists[name];
  if (list === undefined) throw new Error(`template names an unknown word list: $${name}`);
  const word = rng.pick(list);
  // A list may hold templates itself.
  return word.includes('{') || word.includes('$') ? expand(rng, word, vars, lists) : word;
}

function parse(template: string): readonly Node[] {
  let at = 0;

  function sequence(nested: boolean): Node[] {
    const nodes: Node[] = [];
    while (at < template.length) {
      const ch = template.charAt(at);
      if (nested && (ch === '|' || ch === '}')) return nodes;
      if (ch === '{') nodes.push(choice());
      else if (ch === '$') nodes.push(reference());
      else nodes.push(literal(nested));
    }
    if (nested) throw new Error(`template has an unclosed brace: ${template}`);
    return nodes;
  }

  function choice(): Node {
    const branches: Node[][] = [];
    do {
      at++;
      branches.push(sequence(true));
    } while (template.charAt(at) === '|');
    at++;
    return { branches };
  }

  function reference(): Node {
    const name = /^[A-Za-z0-9]+/.exec(template.slice(at + 1))?.[0];
    if (name === undefined) throw new Error(`template has a bare $: ${template}`);
    at += 1 + name.length;
    return { ref: name };
  }

  function literal(nested: boolean): string {
    const rest = template.slice(at);
    const end = rest.search(nested ? /[{}|$]/ : /[{$]/);
    const text = end < 0 ? rest : rest.slice(0, end);
    at += text.length;
    return text;
  }

  return sequence(false);
}
