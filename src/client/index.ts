/** The client: publish, subscribe and fetch, over a link that comes back by itself. */
import { Client } from './client.js';
import type { ConnectOptions } from './options.js';
import { realWorld } from './real-world.js';

export type { Client } from './client.js';
export { CLIENT_ERRORS, ClientError, type ClientErrorCode, type ServerReason } from './errors.js';
export type {
  GapReasonName,
  LinkCause,
  LinkEvent,
  PublishResult,
  TopicEvent,
  TopicGap,
  TopicMessage,
  TopicPosition,
} from './events.js';
export type { FetchResult } from './fetches.js';
export type { CloseOptions, ConnectOptions, FetchOptions, PublishOptions, SubscribeOptions } from './options.js';
export type { PublishInput, PublishRecord } from './record.js';
export type { From, OnLagName, PositionOfTopic } from './start.js';
export type { Subscription } from './subscription.js';

/**
 * Makes a client, which begins to dial at once; await `ready()` to know that it got through. Throws INVALID_ARGUMENT.
 *
 * @param options the options, or just `host:port`
 */
export const connect = (options: ConnectOptions | string): Client =>
  new Client(typeof options === 'string' ? { servers: options } : options, realWorld);
