import type { DialEvents } from '../../src/client/world.js';
import { DecodeStep, FrameDecoder } from '../../src/wire/index.js';
import { must } from './world.js';

/** Far more than any frame has. */
const PAYLOAD_MAX = 1 << 24;

/**
 * Looks at what arrives on a link that damages nothing: every frame must be whole. The client would ask again for what
 * is not, and nobody would know that the server sent memory which had changed under it.
 */
export function tapWire(name: string, events: DialEvents): DialEvents {
  const decoder = new FrameDecoder('close');
  decoder.setMaxPayload(PAYLOAD_MAX);
  return {
    connected: () => events.connected(),
    received: (bytes) => {
      decoder.push(Uint8Array.from(bytes));
      let step = decoder.next();
      while (step === DecodeStep.FRAME) step = decoder.next();
      must(step === DecodeStep.NEED_MORE, () => `${name} is sent what is no frame: ${decoder.fault?.reason}`);
      events.received(bytes);
    },
    drained: () => events.drained(),
    ended: () => events.ended(),
    closed: (reason) => events.closed(reason),
  };
}
