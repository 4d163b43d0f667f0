import { isInternal } from './topic-name.js';

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  value: T | undefined;
}

const newNode = <T>(): Node<T> => ({ children: new Map(), value: undefined });

/**
 * A map from names to values as a tree of their tokens. It serves both ways: a tree of patterns is asked which of them
 * cover a topic (`matching`), a tree of topics which of them a pattern covers (`covered`).
 *
 * Both walk the tree a level at a time. A node has one parent, so none is looked at twice, and the cost of a walk is
 * bounded by the nodes that there are, whatever the wildcards: there is no backtracking that patterns could blow up.
 * Names have been checked before they get here.
 */
export class TopicTree<T extends object> {
  readonly #root: Node<T> = newNode();
  #size = 0;

  /** How many names have a value. */
  get size(): number {
    return this.#size;
  }

  get(name: string): T | undefined {
    let node: Node<T> | undefined = this.#root;
    for (const token of name.split('.')) {
      node = node.children.get(token);
      if (node === undefined) return undefined;
    }
    return node.value;
  }

  set(name: string, value: T): void {
    let node = this.#root;
    for (const token of name.split('.')) {
      let child = node.children.get(token);
      if (child === undefined) {
        child = newNode();
        node.children.set(token, child);
      }
      node = child;
    }
    if (node.value === undefined) this.#size++;
    node.value = value;
  }

  /** Removes a name and the nodes that only it needed. Returns whether it was there. */
  delete(name: string): boolean {
    const tokens = name.split('.');
    const path = [this.#root];
    for (const token of tokens) {
      const child = path.at(-1)?.children.get(token);
      if (child === undefined) return false;
      path.push(child);
    }
    const leaf = path.at(-1);
    if (leaf?.value === undefined) return false;
    leaf.value = undefined;
    this.#size--;
    for (let depth = tokens.length; depth > 0; depth--) {
      const node = path[depth] as Node<T>;
      if (node.value !== undefined || node.children.size > 0) break;
      path[depth - 1]?.children.delete(tokens[depth - 1] as string);
    }
    return true;
  }

  /**
   * In a tree of patterns: visits the value of each one that covers `topic`, in no particular order. Returns how many
   * nodes it looked at, which is its cost.
   */
  matching(topic: string, visit: (value: T) => void): number {
    let level = [this.#root];
    let cost = 0;
    // A wildcard in the first token does not cover the daemon's own topics.
    let wild = !isInternal(topic);
    for (const token of topic.split('.')) {
      const next: Node<T>[] = [];
      for (const { children } of level) {
        push(next, children.get(token));
        if (!wild) continue;
        push(next, children.get('*'));
        const rest = children.get('>');
        if (rest === undefined) continue;
        cost++;
        if (rest.value !== undefined) visit(rest.value);
      }
      cost += next.length;
      level = next;
      wild = true;
    }
    visitAll(level, visit);
    return cost;
  }

  /**
   * In a tree of topics: visits the value of each one that `pattern` covers, in no particular order. Returns how many
   * nodes it looked at, which is its cost.
   */
  covered(pattern: string, visit: (value: T) => void): number {
    let level = [this.#root];
    let cost = 0;
    for (const token of pattern.split('.')) {
      if (token === '>') return cost + visitBelow(level, level[0] === this.#root, visit);
      const next: Node<T>[] = [];
      for (const node of level) {
        if (token === '*') pushChildren(next, node, node === this.#root);
        else push(next, node.children.get(token));
      }
      cost += next.length;
      level = next;
    }
    visitAll(level, visit);
    return cost;
  }
}

function push<T>(level: Node<T>[], node: Node<T> | undefined): void {
  if (node !== undefined) level.push(node);
}

function pushChildren<T>(level: Node<T>[], { children }: Node<T>, isRoot: boolean): void {
  for (const [token, child] of children) {
    if (!(isRoot && isInternal(token))) level.push(child);
  }
}

function visitAll<T>(level: readonly Node<T>[], visit: (value: T) => void): void {
  for (const { value } of level) {
    if (value !== undefined) visit(value);
  }
}

function visitBelow<T>(level: readonly Node<T>[], isRoot: boolean, visit: (value: T) => void): number {
  const nodes: Node<T>[] = [];
  for (const node of level) pushChildren(nodes, node, isRoot);
  // The list grows while it is walked: each node is followed by its children.
  for (let at = 0; at < nodes.length; at++) pushChildren(nodes, nodes[at] as Node<T>, false);
  visitAll(nodes, visit);
  return nodes.length;
}
