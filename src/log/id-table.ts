import { RotatingBloom } from './rotating-bloom.js';

const ARENA_BYTES_MIN = 256;

/**
 * Ids in the order in which they came, each with an offset, found by hash. Places for them are used in a ring, the
 * bytes of all ids lie in another ring, an open-addressing table leads from a hash to a place, and a Bloom filter in
 * front of it answers for most ids that were never seen. There is no object for an id, and nothing is allocated for
 * one; whoever needs more room, or less, makes a new table (`resized`).
 */
export class IdTable {
  /** How many ids it has places for; a power of two. */
  readonly slots: number;
  readonly #hashes: Uint32Array;
  readonly #offsets: Float64Array;
  /** Where the bytes of an id start, counted on and on; the ring's size divides 2^32, so that wrapping is harmless. */
  readonly #starts: Uint32Array;
  readonly #lengths: Uint8Array;
  readonly #arena: Uint8Array;
  /** A place plus 1; 0 is free. At most half of it is in use, so that probes are short. */
  readonly #table: Uint32Array;
  readonly #filter: RotatingBloom;
  #oldest = 0;
  #size = 0;
  #arenaStart = 0;
  #arenaEnd = 0;

  constructor(slots: number, arenaBytes = ARENA_BYTES_MIN) {
    this.slots = slots;
    this.#hashes = new Uint32Array(slots);
    this.#offsets = new Float64Array(slots);
    this.#starts = new Uint32Array(slots);
    this.#lengths = new Uint8Array(slots);
    this.#arena = new Uint8Array(arenaBytes);
    this.#table = new Uint32Array(slots * 2);
    this.#filter = new RotatingBloom(slots);
  }

  get size(): number {
    return this.#size;
  }

  /** The offset of an id; 0 if it is not here. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    if (!this.#filter.mayHold(hash)) return 0;
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const place = (this.#table[slot] as number) - 1;
      if (this.#hashes[place] === hash && this.#equals(place, bytes, start, end)) return this.#offsets[place] as number;
    }
    return 0;
  }

  /** Whether there is room for one more id of `length` bytes. */
  hasRoom(length: number): boolean {
    return this.#size < this.slots && this.#arenaBytes + length <= this.#arena.length;
  }

  /** Adds an id that is not here and for which there is room, as the newest. */
  add(hash: number, bytes: Uint8Array, start: number, end: number, offset: number): void {
    const arena = this.#arena;
    const mask = arena.length - 1;
    const shift = this.#arenaEnd - start;
    for (let i = start; i < end; i++) arena[(i + shift) & mask] = bytes[i] as number;
    this.#link(hash, end - start, offset);
  }

  removeOldest(): void {
    const place = this.#oldest;
    this.#unlink(place);
    this.#arenaStart = (this.#arenaStart + (this.#lengths[place] as number)) >>> 0;
    this.#oldest = (place + 1) & (this.slots - 1);
    this.#size--;
  }

  /** A table of the same ids with another number of places, and room for about as many bytes of ids again. */
  resized(slots: number): IdTable {
    const used = this.#arenaBytes;
    const copy = new IdTable(slots, Math.max(ARENA_BYTES_MIN, 2 ** Math.ceil(Math.log2(2 * used))));
    copy.#arenaStart = this.#arenaStart;
    copy.#arenaEnd = this.#arenaStart;
    for (let i = 0; i < used; i++) {
      const at = this.#arenaStart + i;
      copy.#arena[at & (copy.#arena.length - 1)] = this.#arena[at & (this.#arena.length - 1)] as number;
    }
    for (let i = 0; i < this.#size; i++) {
      const place = (this.#oldest + i) & (this.slots - 1);
      copy.#link(this.#hashes[place] as number, this.#lengths[place] as number, this.#offsets[place] as number);
    }
    return copy;
  }

  get #arenaBytes(): number {
    return (this.#arenaEnd - this.#arenaStart) >>> 0;
  }

  #equals(place: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#lengths[place] !== end - start) return false;
    const mask = this.#arena.length - 1;
    const from = this.#starts[place] as number;
    for (let i = start; i < end; i++) {
      if (this.#arena[(from + i - start) & mask] !== bytes[i]) return false;
    }
    return true;
  }

  /** Makes the next `length` bytes of the arena the newest id. */
  #link(hash: number, length: number, offset: number): void {
    const place = (this.#oldest + this.#size) & (this.slots - 1);
    this.#hashes[place] = hash;
    this.#offsets[place] = offset;
    this.#starts[place] = this.#arenaEnd;
    this.#lengths[place] = length;
    this.#arenaEnd = (this.#arenaEnd + length) >>> 0;
    this.#size++;
    this.#filter.add(hash);
    const table = this.#table;
    const mask = table.length - 1;
    let slot = hash & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = place + 1;
  }

  /** Takes a place out of the table, and closes the hole with those behind it that may stand there. */
  #unlink(place: number): void {
    const table = this.#table;
    const hashes = this.#hashes;
    const mask = table.length - 1;
    let hole = (hashes[place] as number) & mask;
    while (table[hole] !== place + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (hashes[(table[slot] as number) - 1] as number) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      table[hole] = table[slot] as number;
      hole = slot;
    }
    table[hole] = 0;
  }
}
