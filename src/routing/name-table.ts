/** Names of requests as numbers, found by their bytes: no string is made for a name known. */

const INITIAL_SLOTS = 1024;

export class NameTable {
  #slots = new Int32Array(INITIAL_SLOTS).fill(-1);
  #arena = Buffer.alloc(1 << 14);
  #used = 0;
  #starts: number[] = [0];
  #hashes: number[] = [];

  get size(): number {
    return this.#hashes.length;
  }

  name(index: number): string {
    const { from, to } = this.#span(index);
    return this.#arena.toString('utf8', from, to);
  }

  /** The number of the name in bytes[from, to), a new one if it was never seen. */
  lookup(bytes: Uint8Array, from: number, to: number): number {
    let hash = (to - from) | 0;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot] as number;
      if (index < 0) return this.#insert(slot, hash, bytes.subarray(from, to));
      if (this.#hashes[index] === hash && this.#equals(index, bytes, from, to)) return index;
    }
  }

  intern(name: string): number {
    const bytes = Buffer.from(name);
    return this.lookup(bytes, 0, bytes.length);
  }

  #span(index: number): { from: number; to: number } {
    return { from: this.#starts[index] as number, to: this.#starts[index + 1] as number };
  }

  #equals(index: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[index] as number;
    if ((this.#starts[index + 1] as number) - start !== to - from) return false;
    const arena = this.#arena;
    for (let i = from; i < to; i++) if (bytes[i] !== arena[start + i - from]) return false;
    return true;
  }

  #insert(slot: number, hash: number, name: Uint8Array): number {
    if (this.#used + name.length > this.#arena.length) {
      const larger = Buffer.alloc(Math.max(2 * this.#arena.length, this.#used + name.length));
      this.#arena.copy(larger, 0, 0, this.#used);
      this.#arena = larger;
    }
    this.#arena.set(name, this.#used);
    this.#used += name.length;
    const index = this.#hashes.push(hash) - 1;
    this.#starts.push(this.#used);
    this.#slots[slot] = index;
    if (2 * this.size > this.#slots.length) this.#grow();
    return index;
  }

  #grow(): void {
    const slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = slots.length - 1;
    for (const [index, hash] of this.#hashes.entries()) {
      let slot = hash & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.#slots = slots;
  }
}
