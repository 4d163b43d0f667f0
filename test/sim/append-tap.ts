import { TopicLog } from '../../src/log/index.js';
import { decodePayload, HEADER_BYTES, type Messages, TRAILER_BYTES } from '../../src/wire/index.js';
import { must } from './world.js';

/**
 * Listens to every append of every log in this process, at the log itself: what is seen here depends on nothing that
 * delivers. The returned function ends it.
 */
export function tapAppends(appended: (epoch: string, frame: Messages) => void): () => void {
  const { reserve, commit } = TopicLog.prototype;
  let memory: Uint8Array = new Uint8Array(0);
  TopicLog.prototype.reserve = function (size) {
    memory = reserve.call(this, size);
    return memory;
  };
  TopicLog.prototype.commit = function (size, base, records, timestampUs) {
    const at = this.reservedAt;
    // A copy, for what is checked against it later must not change with the log's memory.
    const payload = Uint8Array.from(memory.subarray(at + HEADER_BYTES, at + size - TRAILER_BYTES));
    const frame = decodePayload(payload);
    must(frame.type === 'messages', () => `what was appended is no messages frame but ${frame.type}`);
    must(frame.baseOffset === base && frame.records.length === records, () => `the frame at ${base} says otherwise`);
    commit.call(this, size, base, records, timestampUs);
    appended(this.epoch, frame);
  };
  return () => {
    TopicLog.prototype.reserve = reserve;
    TopicLog.prototype.commit = commit;
  };
}
