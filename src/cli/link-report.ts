import type { LinkEvent } from '../client/index.js';
import { explainCode } from './failure.js';
import { printable } from './text.js';

type Disconnected = Extract<LinkEvent, { type: 'disconnected' }>;

/**
 * What a person wants to know of the link, in one line.
 *
 * @param patienceMs how long a link is still being waited for: a later attempt is not promised
 */
export const describeLink = (event: LinkEvent, patienceMs = Number.POSITIVE_INFINITY): string | undefined => {
  switch (event.type) {
    case 'connecting':
    case 'closed':
      return undefined;
    case 'connected':
      return `connected ${event.resumed ? 'again ' : ''}to ${event.endpoint} (${printable(event.server)})`;
    case 'disconnected': {
      const next = event.retryInMs < patienceMs ? `; trying again in ${event.retryInMs} ms` : '';
      return `not connected: ${whyDisconnected(event)}${next}`;
    }
  }
};

/** `nothing listens there (ECONNREFUSED)`, or the daemon's own reason behind the name of its code. */
export const whyDisconnected = ({ cause, reason }: Disconnected): string =>
  printable(cause === 'PEER_GONE' ? explainCode(reason) : `${cause}, ${reason}`);
