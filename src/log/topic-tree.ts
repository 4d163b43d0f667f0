import { isInternal, PATTERN_TOKENS_MAX } from './topic-name.js';

/**
 * A token of one or more names. Most have one child or none, so that one is held without a map: a long name takes a
 * tenth of the memory.
 */
class Node<T> {
  readonly token: string;
  value: T | undefined;
  #only: Node<T> | undefined;
  #children: Map<string, Node<T>> | undefined;

  constructor(token: string) {
    this.token = token;
  }

  get isEmpty(): boolean {
    return this.value === undefined && this.#only === undefined && this.#children === undefined;
  }

  child(token: string): Node<T> | undefined {
    if (this.#children !== undefined) return this.#children.get(token);
    return this.#only?.token === token ? this.#only : undefined;
  }

  add(token: string): Node<T> {
    const child = new Node<T>(token);
    if (this.#children !== undefined) this.#children.set(token, child);
    else if (this.#only === undefined) this.#only = child;
    else {
      this.#children = new Map([[this.#only.token, this.#only]]).set(token, child);
      this.#only = undefined;
    }
    return child;
  }

  remove(token: string): void {
    this.#only = undefined;
    this.#children?.delete(token);
    if (this.#children?.size === 0) this.#children = undefined;
  }

  pushChildren(to: Node<T>[]): void {
    if (this.#only !== undefined) to.push(this.#only);
    else if (this.#children !== undefined) for (const child of this.#children.values()) to.push(child);
  }
}

/**
 * A map from names to values as a tree of their tokens. It serves both ways: a tree of patterns is asked which of them
 * cover a topic (`matching`), a tree of topics which of them a pattern covers (`covered`).
 *
 * Both walk the tree a level at a time. A node has one parent, so none is looked at twice, and the cost of a walk is
 * bounded by the nodes that there are, whatever the wildcards: there is no backtracking that patterns could blow up.
 * In a tree of patterns it is bounded by their shape too: by `PATTERN_TOKENS_MAX` and `PATTERN_WILDCARDS_MAX`. Names
 * have been checked before they get here.
 */
export class TopicTree<T extends object> {
  readonly #root = new Node<T>('');
  #size = 0;

  /** How many names have a value. */
  get size(): number {
    return this.#size;
  }

  get(name: string): T | undefined {
    let node: Node<T> | undefined = this.#root;
    for (const token of tokensOf(name)) {
      node = node.child(token);
      if (node === undefined) return undefined;
    }
    return node.value;
  }

  set(name: string, value: T): void {
    let node = this.#root;
    for (const token of tokensOf(name)) node = node.child(token) ?? node.add(token);
    if (node.value === undefined) this.#size++;
    node.value = value;
  }

  /** Removes a name and the nodes that only it needed. Returns whether it was there. */
  delete(name: string): boolean {
    const path = [this.#root];
    for (const token of tokensOf(name)) {
      const child = path.at(-1)?.child(token);
      if (child === undefined) return false;
      path.push(child);
    }
    const leaf = path.at(-1);
    if (leaf?.value === undefined) return false;
    leaf.value = undefined;
    this.#size--;
    for (let depth = path.length - 1; depth > 0; depth--) {
      const node = path[depth] as Node<T>;
      if (!node.isEmpty) break;
      path[depth - 1]?.remove(node.token);
    }
    return true;
  }

  /** In a tree of patterns: visits the value of each one that covers `topic`, in no particular order. */
  matching(topic: string, visit: (value: T) => void): void {
    let level = [this.#root];
    // A wildcard in the first token does not cover the daemon's own topics.
    let wild = !isInternal(topic);
    for (const token of tokensOf(topic)) {
      const next: Node<T>[] = [];
      for (const node of level) {
        push(next, node.child(token));
        if (!wild) continue;
        push(next, node.child('*'));
        const rest = node.child('>')?.value;
        if (rest !== undefined) visit(rest);
      }
      if (next.length === 0) return;
      level = next;
      wild = true;
    }
    visitAll(level, visit);
  }

  /**
   * In a tree of topics: visits the value of each one that `pattern` covers, in no particular order. Returns how many
   * nodes it looked at, which is its cost.
   */
  covered(pattern: string, visit: (value: T) => void): number {
    let level = [this.#root];
    let cost = 0;
    for (const token of tokensOf(pattern)) {
      if (token === '>') return cost + visitBelow(level, visit);
      const next: Node<T>[] = [];
      for (const node of level) {
        if (token === '*') pushChildren(next, node);
        else push(next, node.child(token));
      }
      cost += next.length;
      level = next;
    }
    visitAll(level, visit);
    return cost;
  }
}

/**
 * The tokens of a name, as far as a pattern can tell them apart; what is behind those is one. So a topic takes no more
 * nodes than a pattern, and a few bytes more of its name no more memory than they are.
 */
function tokensOf(name: string): string[] {
  const tokens = name.split('.');
  if (tokens.length > PATTERN_TOKENS_MAX + 1) tokens.push(tokens.splice(PATTERN_TOKENS_MAX).join('.'));
  return tokens;
}

function push<T>(level: Node<T>[], node: Node<T> | undefined): void {
  if (node !== undefined) level.push(node);
}

/** What a wildcard stands for below a node: in front of a name, none of the daemon's own. */
function pushChildren<T>(level: Node<T>[], node: Node<T>): void {
  if (node.token !== '') return node.pushChildren(level);
  const first: Node<T>[] = [];
  node.pushChildren(first);
  for (const child of first) if (!isInternal(child.token)) level.push(child);
}

function visitAll<T>(level: readonly Node<T>[], visit: (value: T) => void): void {
  for (const { value } of level) {
    if (value !== undefined) visit(value);
  }
}

function visitBelow<T>(level: readonly Node<T>[], visit: (value: T) => void): number {
  const nodes: Node<T>[] = [];
  for (const node of level) pushChildren(nodes, node);
  // The list grows while it is walked: each node is followed by its children.
  for (let at = 0; at < nodes.length; at++) (nodes[at] as Node<T>).pushChildren(nodes);
  visitAll(nodes, visit);
  return nodes.length;
}
