import { CLIENT_TRANSITIONS, HEARTBEAT_MAX_MS, type SessionOptions } from '../session/index.js';
import { PAYLOAD_BYTES_DEFAULT } from '../wire/index.js';

/** A client's end of a session, and its patience. */
export const SESSION: SessionOptions = {
  transitions: CLIENT_TRANSITIONS,
  maxPayload: PAYLOAD_BYTES_DEFAULT,
  onCorrupt: 'skip',
  // Until WELCOME says what holds.
  heartbeat: HEARTBEAT_MAX_MS,
  // Twice what a server gives a HELLO to arrive.
  handshakeTimeoutMs: 10_000,
  // These three are the server's defaults, so that both ends have the same patience with a slow link.
  frameTimeoutMs: 30_000,
  writeTimeoutMs: 30_000,
  lingerTimeoutMs: 2_000,
};
