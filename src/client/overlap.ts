import { isPattern } from './subscribe-request.js';

/** Can there be a topic that both names cover? Each is a topic or a pattern. */
export function overlap(a: string, b: string): boolean {
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < left.length && i < right.length; i++) {
    const [one, other] = [left[i], right[i]];
    if (one === '>' || other === '>') return true;
    if (one !== '*' && other !== '*' && one !== other) return false;
  }
  return left.length === right.length;
}

/** Those given, those that overlap with them, those that overlap with these, and so on. */
export function connected<T extends { readonly topic: string }>(some: readonly T[], all: readonly T[]): Set<T> {
  const found = new Set(some);
  if (found.size === 0) return found;
  // Of two topics none is like another.
  const patterns = all.filter(({ topic }) => isPattern(topic));
  for (const { topic } of found) {
    for (const other of isPattern(topic) ? all : patterns) if (overlap(topic, other.topic)) found.add(other);
  }
  return found;
}
