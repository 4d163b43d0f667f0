import fc from 'fast-check';
import t from 'tap';
import {
  isPattern,
  PATTERN_TOKENS_MAX,
  PATTERN_WILDCARDS_MAX,
  patternFault,
  patternMatches,
  TOPIC_BYTES_MAX,
  TopicTree,
  topicFault,
} from '../../src/log/index.js';

const LONGEST = `${'é'.repeat(127)}x`;

t.test('S2 what is a legal topic, and what a legal pattern', async (t) => {
  const legal = ['a', 'a.b.c', '$daemon.stats', 'Größe.温度.🌡', 'a-b_c/d:e', '$', LONGEST, `${'x.'.repeat(127)}x`];
  for (const name of legal)
    t.strictSame([topicFault(name), patternFault(name), isPattern(name)], [undefined, undefined, false], name);

  const patterns = ['*', '>', 'a.*', '*.b', 'a.*.c', 'a.>', '*.*.>', '$daemon.>'];
  for (const name of patterns) {
    t.match(topicFault(name), /wildcard/, name);
    t.strictSame([patternFault(name), isPattern(name)], [undefined, true], name);
  }

  const neither: [string, RegExp][] = [
    ['', /empty/],
    ['.', /empty token/],
    ['.a', /empty token/],
    ['a.', /empty token/],
    ['a..b', /empty token/],
    ['a b', /whitespace/],
    ['a\tb', /whitespace/],
    ['a\u00a0b', /whitespace/],
    ['a\u2028b', /whitespace/],
    ['a\0b', /control/],
    ['a\u007fb', /control/],
    ['a\u0085b', /control/],
    ['a\ud800', /surrogate/],
    ['\udc00.b', /surrogate/],
    [`${LONGEST}x`, /longer than 255/],
    ['x'.repeat(TOPIC_BYTES_MAX + 1), /longer than 255/],
    ['x'.repeat(1e6), /longer than 255/],
  ];
  for (const [index, [name, why]] of neither.entries()) {
    // Not named after the name itself: that would break the lines of the report.
    t.match(topicFault(name), why, `topic ${index}`);
    t.match(patternFault(name), why, `pattern ${index}`);
  }
  for (const name of ['a*', 'a.b*.c', '>a', '**', 'a.>>']) t.match(patternFault(name), /within a token/, name);
  for (const name of ['>.a', 'a.>.b', '>.>']) t.match(patternFault(name), /before its end/, name);
});

t.test('what a pattern covers', async (t) => {
  const table: [string, string[], string[]][] = [
    ['a.b', ['a.b'], ['a', 'a.b.c', 'a.c', 'A.b']],
    ['*', ['a', 'b'], ['a.b', '$a']],
    ['a.*', ['a.b', 'a.$b'], ['a', 'a.b.c', 'b.a']],
    ['*.b', ['a.b', 'b.b'], ['a.c', '$a.b', 'b']],
    ['>', ['a', 'a.b', 'a.$b.c'], ['$a', '$a.b']],
    ['a.>', ['a.b', 'a.b.c'], ['a', 'b.a']],
    ['*.>', ['a.b', 'a.b.c'], ['a', '$a.b']],
    ['$a.*', ['$a.b'], ['$a', '$b.b']],
    ['$a.>', ['$a.b', '$a.b.c'], ['$a']],
  ];
  for (const [pattern, covered, others] of table) {
    for (const topic of covered) t.ok(patternMatches(pattern, topic), `${pattern} covers ${topic}`);
    for (const topic of others) t.notOk(patternMatches(pattern, topic), `${pattern} does not cover ${topic}`);
  }
});

const token = fc.constantFrom('a', 'b', '$a', 'c');
const topic = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 4 }), fc.constantFrom('a', 'b', '*', '>'))
  .map(([tokens, last]) => [...tokens, last].join('.'));

/** The tree and a Map after the same settings and deletions, with the name itself as the value. */
function build(names: readonly string[], deleted: readonly string[]): [TopicTree<{ name: string }>, string[]] {
  const tree = new TopicTree<{ name: string }>();
  const map = new Map<string, { name: string }>();
  for (const name of names) {
    tree.set(name, { name: 'replaced' });
    tree.set(name, { name });
    map.set(name, { name });
  }
  for (const name of deleted) {
    if (tree.delete(name) !== map.delete(name)) throw new Error(`delete ${name}`);
  }
  if (tree.size !== map.size) throw new Error(`${tree.size} of ${map.size}`);
  for (const name of [...names, ...deleted]) {
    if (tree.get(name)?.name !== map.get(name)?.name) throw new Error(`get ${name}`);
  }
  return [tree, [...map.keys()]];
}

const same = (got: string[], wanted: string[]): boolean => String(got.sort()) === String(wanted.sort());

t.test('a tree of patterns finds what a scan finds, and so does a tree of topics', async (t) => {
  const lists = (name: fc.Arbitrary<string>): fc.Arbitrary<string[]> => fc.array(name, { maxLength: 40 });
  fc.assert(
    fc.property(lists(pattern), lists(pattern), topic, (names, deleted, topic) => {
      const [tree, rest] = build(names, deleted);
      const got: string[] = [];
      tree.matching(topic, ({ name }) => got.push(name));
      return same(
        got,
        rest.filter((pattern) => patternMatches(pattern, topic)),
      );
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(lists(topic), lists(topic), pattern, (names, deleted, pattern) => {
      const [tree, rest] = build(names, deleted);
      const got: string[] = [];
      tree.covered(pattern, ({ name }) => got.push(name));
      return same(
        got,
        rest.filter((topic) => patternMatches(pattern, topic)),
      );
    }),
    { numRuns: 1000 },
  );
  t.pass('equal in 2,000 runs');
});

t.test('a name that is deleted leaves no nodes behind', async (t) => {
  const tree = new TopicTree<object>();
  tree.set('a.b', {});
  for (let i = 0; i < 1000; i++) tree.set(`a.b.${i}.c.d`, {});
  for (let i = 0; i < 1000; i++) tree.delete(`a.b.${i}.c.d`);
  t.equal(tree.size, 1);
  t.equal(
    tree.covered('>', () => undefined),
    2,
    'nodes',
  );
  t.notOk(tree.delete('a'), 'a node on the way to others is no name');
});

t.test('S3 pattern bombs are no patterns: their tokens and wildcards are bounded', async (t) => {
  const tokens = (count: number) => Array.from({ length: count }, () => 'a').join('.');
  const wild = (count: number) => Array.from({ length: count }, () => '*').join('.');
  t.equal(patternFault(`${tokens(PATTERN_TOKENS_MAX - 1)}.>`), undefined);
  t.match(patternFault(`${tokens(PATTERN_TOKENS_MAX)}.>`), /more than the 32 tokens that a pattern may/);
  t.equal(patternFault(`${wild(PATTERN_WILDCARDS_MAX)}.>`), undefined);
  t.match(patternFault(`${wild(PATTERN_WILDCARDS_MAX)}.*`), /more than 3 \*/);
  t.equal(patternFault(tokens(128)), undefined, 'a name without a wildcard may have as many as fit');
});

t.test(
  'S3 the longest topics take no more nodes than a pattern has tokens, and are found by what differs',
  async (t) => {
    const topics = new TopicTree<{ name: string }>();
    const long = `${'a.'.repeat(127)}a`;
    const other = `${'a.'.repeat(127)}b`;
    for (const name of [long, other]) topics.set(name, { name });
    const found: string[] = [];
    const cost = topics.covered(`${'a.'.repeat(31)}>`, ({ name }) => found.push(name));
    t.same(found.sort(), [long, other]);
    t.equal(cost, PATTERN_TOKENS_MAX + 2, 'nodes');
    t.equal(topics.get(other)?.name, other);
    t.ok(topics.delete(long));
    t.notOk(topics.delete(long));
    t.equal(topics.size, 1);
    const patterns = new TopicTree<{ name: string }>();
    const matching: string[] = [];
    for (const name of [`${'a.'.repeat(31)}>`, `${'a.'.repeat(31)}*`, '*.>']) patterns.set(name, { name });
    patterns.matching(long, ({ name }) => matching.push(name));
    t.same(matching.sort(), ['*.>', `${'a.'.repeat(31)}>`]);
  },
);

t.test('S3 pattern bombs: a walk looks at no node twice', async (t) => {
  const topics = new TopicTree<object>();
  for (let i = 0; i < 1000; i++) topics.set(`${'a.'.repeat(i % 31)}b`, {});
  let visited = 0;
  t.ok(topics.covered(`${'*.'.repeat(30)}*`, () => visited++) <= 2 * 32);
  t.equal(visited, 1);
});
