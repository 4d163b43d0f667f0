import { DuplicateBudget, DuplicateWindow, isInternal, topicFault } from '../log/index.js';
import {
  type AckResult,
  BatchView,
  CODES,
  type CodeName,
  decodeUtf8,
  type MessagesHead,
  messagesFrameBytes,
  writeMessagesFrame,
} from '../wire/index.js';
import type { Environment } from './environment.js';
import type { Fanout } from './fanout.js';
import type { Outbox } from './outbox.js';
import type { Topic } from './topic.js';
import { TOO_MANY_TOPICS, type TopicTable } from './topic-table.js';

/**
 * The way of a record into its topic: read in place, checked for duplicates, encoded once into the memory that every
 * subscriber will be sent from. One for the whole server, because the view of a batch is used again for the next.
 */
export class Ingest {
  readonly #env: Environment;
  readonly #topics: TopicTable;
  readonly #fanout: Fanout;
  readonly #view = new BatchView();
  readonly #duplicates = new DuplicateBudget();

  constructor(env: Environment, topics: TopicTable, fanout: Fanout) {
    this.#env = env;
    this.#topics = topics;
    this.#fanout = fanout;
  }

  /**
   * Takes the payload of a PUBLISH that came at `nowUs`. Returns what is wrong with it if it is no legal one; a request
   * that cannot be granted is answered with an error.
   */
  publish(bytes: Uint8Array, start: number, end: number, nowUs: number, out: Outbox): string | undefined {
    const view = this.#view;
    const fault = view.read(bytes, start, end);
    if (fault !== undefined) return fault;
    const topic = this.#topics.findUtf8(bytes, view.topicStart, view.topicEnd) ?? this.#openTopic(out);
    if (topic === undefined) return undefined;
    const { requestId } = view;
    const head = headOfNext(topic, nowUs);
    const results = view.hasIds ? this.#dropDuplicates(topic, head) : undefined;
    const appended = view.count > 0;
    if (appended) this.#append(topic, head);
    if (requestId !== 0) {
      const baseOffset = results?.[0]?.offset ?? (appended ? head.baseOffset : 0);
      out.control({ type: 'ack', requestId, epoch: topic.log.epoch, baseOffset, results: results ?? [] });
    }
    return undefined;
  }

  #append(topic: Topic, head: MessagesHead): void {
    const { log } = topic;
    const view = this.#view;
    const size = messagesFrameBytes(head, view);
    const memory = log.reserve(size);
    const at = log.reservedAt;
    writeMessagesFrame(memory, at, head, view);
    log.commit(size, head.baseOffset, view.count, head.timestampUs);
    this.#env.telemetry.published(view.count);
    if (topic.serial === 0) this.#topics.list(topic);
    this.#fanout.appended(topic);
  }

  /**
   * Takes out of the batch what the topic has had already. Returns where each record of the batch is, if there were
   * duplicates.
   */
  #dropDuplicates(topic: Topic, head: MessagesHead): AckResult[] | undefined {
    const view = this.#view;
    const base = head.baseOffset;
    // The memory first: if there is none, no id may be known of a record that is nowhere.
    topic.log.reserve(messagesFrameBytes(head, view));
    topic.window ??= new DuplicateWindow({ seed: this.#env.random.seed(), budget: this.#duplicates });
    let results: AckResult[] | undefined;
    let kept = 0;
    for (let i = 0; i < view.count; i++) {
      const known = this.#knownOffset(topic.window, i, base + kept);
      if (known === 0) {
        results?.push({ offset: base + kept, duplicate: false });
        kept += 1;
      } else {
        results ??= Array.from({ length: i }, (_, n) => ({ offset: base + n, duplicate: false }));
        results.push({ offset: known, duplicate: true });
        view.drop(i);
      }
    }
    if (results !== undefined) {
      this.#env.telemetry.duplicates(view.count - kept);
      view.compact();
    }
    return results;
  }

  /** Where the record with this one's id is already; 0: nowhere, and from now on at `offset`. */
  #knownOffset(window: DuplicateWindow, index: number, offset: number): number {
    const { source, idStarts, idEnds } = this.#view;
    const start = idStarts[index] as number;
    const end = idEnds[index] as number;
    return start === end ? 0 : window.findOrAdd(source, start, end, offset);
  }

  #openTopic(out: Outbox): Topic | undefined {
    const { source, topicStart, topicEnd, requestId } = this.#view;
    // The view has seen to it that this is UTF-8.
    const name = decodeUtf8(source, topicStart, topicEnd) as string;
    const fault = isInternal(name) ? 'topics that start with $ are the daemon’s own' : topicFault(name);
    if (fault !== undefined) return this.#refuse(out, requestId, 'BAD_TOPIC', fault);
    // What appends nothing makes no topic.
    const topic = this.#view.count === 0 ? this.#topics.glance(name) : this.#topics.open(name);
    return topic ?? this.#refuse(out, requestId, 'TOO_MANY_SUBSCRIPTIONS', TOO_MANY_TOPICS);
  }

  #refuse(out: Outbox, requestId: number, name: CodeName, message: string): undefined {
    out.control({ type: 'error', requestId, code: CODES[name].code, message });
  }
}

/** What stands in front of the records in the frame that is appended to the topic next. */
const headOfNext = ({ utf8, log }: Topic, nowUs: number): MessagesHead => ({
  topicUtf8: utf8,
  baseOffset: log.head + 1,
  prevOffset: log.head,
  timestampUs: Math.max(nowUs, log.lastTimestampUs),
});
