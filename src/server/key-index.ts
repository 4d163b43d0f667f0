import { MessagesView } from '../wire/index.js';

const view = new MessagesView();

/**
 * The newest offset of each key of a topic, of all that is retained. It exists while somebody who asked for LATEST_PER_KEY
 * is behind, and is shared by all who do. Records without a key have the empty one in common.
 */
export class KeyIndex {
  readonly #newest = new Map<string, number>();

  /** Takes in the `messages` frame that stands here, and returns where it ends. To be called in the order of offsets. */
  add(bytes: Uint8Array, at: number): number {
    view.read(bytes, at);
    for (let i = 0; i < view.count; i++) this.#newest.set(keyOf(view, i), view.baseOffset + i);
    return view.frameEnd;
  }

  /** Is the record the newest of its key? */
  holds(record: MessagesView, index: number): boolean {
    return this.#newest.get(keyOf(record, index)) === record.baseOffset + index;
  }
}

/** As latin1, which is one character a byte and cannot fail: a name is only compared. */
function keyOf(messages: MessagesView, index: number): string {
  const { source, keyStarts, keyEnds } = messages;
  return Buffer.from(source.buffer, source.byteOffset, source.length).toString(
    'latin1',
    keyStarts[index],
    keyEnds[index],
  );
}
