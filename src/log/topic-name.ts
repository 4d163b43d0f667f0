/**
 * Names of topics, and the patterns that stand for many.
 *
 * A topic is 1 to 255 bytes of UTF-8: tokens separated by dots, none of them empty, without whitespace or control
 * characters. In a pattern the token `*` stands for any one token, and `>` at the end for one token or more. A
 * wildcard is a whole token: `a*b` is refused rather than taken literally, because whoever writes it means a glob.
 */

/** The longest topic or pattern, in bytes of UTF-8. */
export const TOPIC_BYTES_MAX = 255;

/** The most tokens of a pattern: twice what others advise for a topic. It bounds what a pattern takes in memory. */
export const PATTERN_TOKENS_MAX = 32;
/**
 * The most `*` in a pattern; a final `>` is not one. With so few in so many tokens, finding the patterns that cover a
 * topic looks at some 50,000 tokens of patterns at the very most, however many patterns there are.
 */
export const PATTERN_WILDCARDS_MAX = 3;

// Cs is a surrogate without its other half: a string that holds one has no UTF-8.
const FORBIDDEN = /[\s\p{Cc}\p{Cs}]/u;
const WILDCARD = /[*>]/;

/** Whether a legal topic or pattern is a pattern. */
export const isPattern = (name: string): boolean => WILDCARD.test(name);

/** Why `name` is no legal topic, in words that can follow "topic "; undefined if it is one. */
export function topicFault(name: string): string | undefined {
  return nameFault(name) ?? (WILDCARD.test(name) ? 'has a wildcard, which only a subscription may have' : undefined);
}

/** Why `name` is neither a legal topic nor a legal pattern; undefined if it is one. */
export function patternFault(name: string): string | undefined {
  const fault = nameFault(name);
  if (fault !== undefined || !isPattern(name)) return fault;
  const tokens = name.split('.');
  if (tokens.length > PATTERN_TOKENS_MAX) return `has more than the ${PATTERN_TOKENS_MAX} tokens that a pattern may`;
  if (tokens.some((token) => token.length > 1 && WILDCARD.test(token))) return 'has a wildcard within a token';
  if (tokens.filter((token) => token === '*').length > PATTERN_WILDCARDS_MAX) {
    return `has more than ${PATTERN_WILDCARDS_MAX} *; a > at the end stands for any number of tokens`;
  }
  return tokens.indexOf('>') < 0 || tokens.indexOf('>') === tokens.length - 1 ? undefined : 'has a > before its end';
}

function nameFault(name: string): string | undefined {
  if (name.length === 0) return 'is empty';
  // A UTF-16 unit is at least one byte of UTF-8, so a hostile name is refused before it is scanned.
  if (name.length > TOPIC_BYTES_MAX || Buffer.byteLength(name) > TOPIC_BYTES_MAX) {
    return `is longer than ${TOPIC_BYTES_MAX} bytes`;
  }
  if (FORBIDDEN.test(name)) return 'has whitespace, a control character or half a surrogate pair';
  return name.startsWith('.') || name.endsWith('.') || name.includes('..') ? 'has an empty token' : undefined;
}

/** Topics that start with `$` are the daemon's own. */
export const isInternal = (topic: string): boolean => topic.startsWith('$');

/**
 * Whether a legal pattern (or a topic, which stands for itself) covers a legal topic. As in MQTT, a wildcard in the
 * first token does not cover the daemon's own topics: a subscription to `>` must not be sent them unasked.
 */
export function patternMatches(pattern: string, topic: string): boolean {
  const wanted = pattern.split('.');
  const tokens = topic.split('.');
  if (isInternal(topic) && (wanted[0] === '*' || wanted[0] === '>')) return false;
  const open = wanted.at(-1) === '>';
  if (open ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, depth) => token === '*' || token === '>' || token === tokens[depth]);
}
