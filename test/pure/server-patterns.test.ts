import fc from 'fast-check';
import t from 'tap';
import { MemoryBudget, patternMatches, TopicLog } from '../../src/log/index.js';
import { type PatternGroup, PatternTable } from '../../src/server/pattern-table.js';
import type { Subscriber } from '../../src/server/subscriber.js';
import type { PatternSubscription } from '../../src/server/subscription.js';
import { Topic } from '../../src/server/topic.js';

const RETENTION = { bytes: Infinity, records: Infinity, ageMs: Infinity };
const PATTERNS = ['>', 'a.*', '*.b', 'a.>', '*.*', 'b.>'];
const NAMES = ['a.a', 'a.b', 'b.b', 'b.c', 'c', 'c.b'];
const LINKS_MAX = 5;
/** Who subscribes is nothing to the table. */
const SOMEBODY = {} as Subscriber;
const SOMEHOW = {} as PatternSubscription;

const listedTopic = (name: string): Topic => {
  const log = new TopicLog({ epoch: 'e', retention: RETENTION, budget: new MemoryBudget(1e6) });
  const topic = new Topic(name, log);
  topic.groups = undefined;
  return topic;
};

const index = (array: readonly unknown[]) => fc.nat({ max: array.length - 1 });

t.test('S3 links are bounded: whichever are let go, the patterns of a topic are found again', async (t) => {
  const step = fc.record({
    act: fc.constantFrom('join', 'leave', 'look', 'forget'),
    pattern: index(PATTERNS),
    name: index(NAMES),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new PatternTable(LINKS_MAX);
      const groups = new Map<string, PatternGroup>();
      const topics = NAMES.map(listedTopic);
      for (const { act, pattern: p, name: n } of steps) {
        const pattern = PATTERNS[p] as string;
        const topic = topics[n] as Topic;
        const known = groups.get(pattern);
        if (act === 'join' && known === undefined) {
          const group = table.group(pattern);
          group.members.set(SOMEBODY, SOMEHOW);
          groups.set(pattern, group);
          // As the announcer does, for each topic in its turn.
          for (const other of topics) if (patternMatches(pattern, other.name)) table.link(other, group);
        } else if (act === 'leave' && known !== undefined) {
          groups.delete(pattern);
          known.members.clear();
          table.release(known);
        } else if (act === 'look') {
          for (const group of table.covering(topic)) if (group.members.size === 0) table.unlink(topic, group);
          const found = Array.from(table.covering(topic), (group) => group.pattern);
          const wanted = [...groups.keys()].filter((pattern) => patternMatches(pattern, topic.name));
          if (String(found.sort()) !== String(wanted.sort())) throw new Error(`${topic.name}: ${found}, not ${wanted}`);
        } else if (act === 'forget') {
          table.forget(topic);
          topics[n] = listedTopic(topic.name);
        }
        // One topic's own are kept, whatever their number.
        if (table.links > LINKS_MAX + PATTERNS.length * 2) throw new Error(`${table.links} links`);
      }
    }),
    { numRuns: 500 },
  );
  t.pass('equal in 500 runs');
});

t.test('a topic without a record is covered by none', async (t) => {
  const table = new PatternTable();
  table.group('>').members.set(SOMEBODY, SOMEHOW);
  const topic = listedTopic('a');
  const unlisted = new Topic('b', topic.log);
  t.equal(table.covering(unlisted).size, 0);
  t.equal(table.covering(topic).size, 1);
  t.equal(table.links, 1);
});
