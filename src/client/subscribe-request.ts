import { type OnLag, POSITIONS_MAX, type Position, type Subscribe } from '../wire/index.js';
import { invalid } from './errors.js';
import {
  AT_EARLIEST,
  atPosition,
  type From,
  ON_LAG,
  type OnLagName,
  type PositionOfTopic,
  positionBytes,
  type StartFields,
  startFields,
} from './start.js';
import type { Topics } from './topics.js';

/** What the application asks for. */
export interface SubscribeRequest {
  /** A topic or a pattern. */
  readonly topic: string;
  readonly start: StartFields;
  readonly onLag: OnLag;
  /** Where to go on in topics that are known from before. */
  readonly positions: readonly PositionOfTopic[];
}

/** A subscription as the server is to be asked for it: now, or again on another link. */
export interface Subscribing extends SubscribeRequest {
  /** The topics that it is sent, as far as is known. */
  readonly topics: Set<string>;
  /** Of the last time that the server was asked; 0: never. */
  requestId: number;
  /** `fresh`: the server has not confirmed it yet, on any link, so it begins where the application said. */
  state: 'fresh' | 'established';
}

/** Room left in a SUBSCRIBE for everything but its positions: a topic of up to 255 bytes, an epoch, and numbers. */
const SUBSCRIBE_BYTES = 1024;

/** Does the name stand for many topics? */
export const isPattern = (name: string): boolean => /[*>]/.test(name);

/** What is to be asked for. Throws INVALID_ARGUMENT where a pattern is to begin as a topic does, or the other way round. */
export function subscribeRequest(topic: string, from: From, onLag: OnLagName): SubscribeRequest {
  const request = { topic, start: startFields(from), onLag: ON_LAG[onLag], positions: [] };
  if (typeof from === 'string') return request;
  if ('positions' in from) {
    if (!isPattern(topic)) throw invalid('from.positions is for patterns');
    return { ...request, positions: [...from.positions] };
  }
  if (!('offset' in from)) return request;
  if (isPattern(topic)) throw invalid('a pattern has a position for each of its topics: from.positions');
  return { ...request, positions: [{ topic, ...from }] };
}

/**
 * The SUBSCRIBE that goes on where the topics stand, in a payload of at most so many bytes. `patterns`: how many there are
 * on the connection, among whom the positions that a server keeps are shared out.
 */
export function subscribeFrame(
  subscription: Subscribing,
  topics: Topics,
  payloadBytesMax: number,
  patterns: number,
): Subscribe {
  const { topic, requestId, onLag } = subscription;
  const bytesMax = payloadBytesMax - SUBSCRIBE_BYTES;
  const share = Math.floor(POSITIONS_MAX / patterns);
  const positions = isPattern(topic) ? positionsOf(subscription, topics, bytesMax, share) : [];
  return { type: 'subscribe', requestId, topic, ...startOf(subscription, topics), onLag, positions };
}

function startOf({ topic, state, start }: Subscribing, topics: Topics): StartFields {
  const cursor = topics.get(topic)?.cursor;
  if (cursor?.position !== undefined) return atPosition(cursor.position);
  return state === 'established' || cursor?.isVoid === true ? AT_EARLIEST : start;
}

/** As many positions as fit: a topic without one is sent from its beginning, and its cursor skips what it had. */
function positionsOf(subscription: Subscribing, topics: Topics, bytesMax: number, most: number): Position[] {
  const positions: Position[] = [];
  let bytes = 0;
  for (const topic of subscription.topics) {
    const position = topics.get(topic)?.cursor.position;
    if (position === undefined) continue;
    bytes += positionBytes(topic, position.epoch);
    if (bytes > bytesMax || positions.length >= most) break;
    positions.push({ topic, ...position });
  }
  return positions;
}
