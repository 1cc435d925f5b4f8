/**
 * One pass over bytes that finds line ends and every needle of every dialect: an Aho–Corasick
 * automaton as one dense table, a lookup a byte. Linear for any input and any number of needles;
 * what it does not mark, no dialect ever looks at.
 */
import { Buffer } from 'node:buffer';

/** Bit `i` is set for needles of dialect `i`; a line's marks are those of all needles in it. */
export type Marks = number;

export const LF = 10;
export const CR = 13;

export interface Automaton {
  /** Class of each byte value: bytes that no needle holds share class 0. */
  readonly classes: Uint8Array;
  /** Next state by state + class; states are multiples of the number of classes. */
  readonly next: Int32Array;
  /** States from here on have something to say. */
  readonly speaking: number;
  readonly lineFeed: number;
  readonly carriageReturn: number;
  /** Marks of a state, by state. */
  readonly marksOf: Int32Array;
}

export const MAX_DIALECTS = 31;

/** Where an automaton spoke, in order: a needle ended, or a line. */
export interface Spoken {
  readonly at: Int32Array;
  readonly states: Int32Array;
  count: number;
}

export function spokenRoom(bytes: number): Spoken {
  return { at: new Int32Array(bytes), states: new Int32Array(bytes), count: 0 };
}

/**
 * Runs over two pieces of one chunk at a time, the second of which begins a line. A step waits for
 * the one before it, and two that do not wait for each other take little more time than one.
 * Returns the state after the second piece.
 */
export function runHalves(
  { classes, next, speaking, lineFeed }: Automaton,
  chunk: Uint8Array,
  of: { state: number; middle: number; length: number; first: Spoken; second: Spoken },
): number {
  const { middle, length, first, second } = of;
  let [a, b] = [of.state, lineFeed];
  let [spokenA, spokenB] = [0, 0];
  const common = Math.min(middle, length - middle);
  for (let i = 0; i < common; i += 1) {
    a = next[a + (classes[chunk[i] as number] as number)] as number;
    b = next[b + (classes[chunk[middle + i] as number] as number)] as number;
    if (a >= speaking) {
      first.at[spokenA] = i;
      first.states[spokenA++] = a;
    }
    if (b >= speaking) {
      second.at[spokenB] = middle + i;
      second.states[spokenB++] = b;
    }
  }
  for (let i = common; i < middle; i += 1) {
    a = next[a + (classes[chunk[i] as number] as number)] as number;
    if (a < speaking) continue;
    first.at[spokenA] = i;
    first.states[spokenA++] = a;
  }
  for (let i = middle + common; i < length; i += 1) {
    b = next[b + (classes[chunk[i] as number] as number)] as number;
    if (b < speaking) continue;
    second.at[spokenB] = i;
    second.states[spokenB++] = b;
  }
  first.count = spokenA;
  second.count = spokenB;
  return b;
}

/** The marks of one line. */
export function marksIn(line: Uint8Array, automaton: Automaton): Marks {
  const { classes, next, speaking, marksOf } = automaton;
  let state = 0;
  let marks = 0;
  for (const byte of line) {
    state = next[state + (classes[byte] as number)] as number;
    if (state >= speaking) marks |= marksOf[state] as number;
  }
  return marks;
}

interface Node {
  readonly to: Map<number, number>;
  marks: Marks;
  fallback: number;
}

/** `needles[i]` are the ASCII needles of dialect i. Throws RangeError for more than 31 dialects. */
export function buildAutomaton(needles: readonly (readonly string[])[]): Automaton {
  if (needles.length > MAX_DIALECTS) throw new RangeError(`more than ${MAX_DIALECTS} dialects`);
  const nodes = trie(needles);
  const { classes, count } = classesOf(nodes);
  const order = fallbacks(nodes);
  // Silent states first, then those with marks, then the two line ends: one comparison tells.
  const silent = order.filter((id) => marksAt(nodes, id) === 0);
  const marked = order.filter((id) => marksAt(nodes, id) !== 0);
  const numbered = [...silent, ...marked];
  const place = new Map(numbered.map((id, index) => [id, index * count]));
  const lineFeed = numbered.length * count;
  const carriageReturn = lineFeed + count;
  const next = new Int32Array(carriageReturn + count);
  const marksOf = new Int32Array(carriageReturn + count);
  const lineEnds = new Map([
    [classes[LF] as number, lineFeed],
    [classes[CR] as number, carriageReturn],
  ]);
  const row = (id: number, at: number): void => {
    for (let byte = 0; byte < 256; byte += 1) {
      const to = place.get(step(nodes, id, byte)) as number;
      next[at + (classes[byte] as number)] = lineEnds.get(classes[byte] as number) ?? to;
    }
  };
  for (const [index, id] of numbered.entries()) {
    row(id, index * count);
    marksOf[index * count] = marksAt(nodes, id);
  }
  row(0, lineFeed);
  row(0, carriageReturn);
  return { classes, next, speaking: silent.length * count, lineFeed, carriageReturn, marksOf };
}

function trie(needles: readonly (readonly string[])[]): Node[] {
  const nodes: Node[] = [{ to: new Map(), marks: 0, fallback: 0 }];
  for (const [dialect, words] of needles.entries()) {
    for (const word of words) {
      let at = 0;
      for (const byte of Buffer.from(word, 'latin1')) {
        const known = nodes[at]?.to.get(byte);
        if (known === undefined) {
          nodes.push({ to: new Map(), marks: 0, fallback: 0 });
          nodes[at]?.to.set(byte, nodes.length - 1);
        }
        at = known ?? nodes.length - 1;
      }
      (nodes[at] as Node).marks |= 1 << dialect;
    }
  }
  return nodes;
}

function classesOf(nodes: readonly Node[]): { classes: Uint8Array; count: number } {
  const classes = new Uint8Array(256);
  let count = 1;
  const used = new Set<number>([LF, CR]);
  for (const node of nodes) for (const byte of node.to.keys()) used.add(byte);
  for (const byte of [...used].sort((a, b) => a - b)) {
    classes[byte] = count;
    count += 1;
  }
  return { classes, count };
}

/** Breadth first: a node's longest proper suffix that is in the trie is known before the node. */
function fallbacks(nodes: readonly Node[]): number[] {
  const order = [0];
  for (const id of order) {
    for (const [byte, child] of (nodes[id] as Node).to) {
      const suffix = id === 0 ? 0 : step(nodes, (nodes[id] as Node).fallback, byte);
      const node = nodes[child] as Node;
      node.fallback = suffix;
      node.marks |= (nodes[suffix] as Node).marks;
      order.push(child);
    }
  }
  return order;
}

function step(nodes: readonly Node[], from: number, byte: number): number {
  for (let id = from; ; id = (nodes[id] as Node).fallback) {
    const to = (nodes[id] as Node).to.get(byte);
    if (to !== undefined) return to;
    if (id === 0) return 0;
  }
}

function marksAt(nodes: readonly Node[], id: number): Marks {
  return (nodes[id] as Node).marks;
}
