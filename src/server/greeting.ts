import { type LocalCause, localCause } from '../session/index.js';
import { type Hello, type Welcome, WIRE_VERSION } from '../wire/index.js';
import type { Slot } from './admission.js';
import type { Services } from './services.js';

/** Judges a HELLO; returns why its sender may not stay, or undefined. */
export function refusal(hello: Hello, slot: Slot, { env, admission }: Services): LocalCause | undefined {
  if (hello.version !== WIRE_VERSION) {
    return localCause('UNSUPPORTED_VERSION', `this server speaks version ${WIRE_VERSION}`);
  }
  if (!slot.reserved || hello.resuming) return undefined;
  return admission.refuse('reserved', env);
}

/** What a client is told that may stay, and again when its heartbeat interval changes. */
export function welcome(connectionId: string, server: string, heartbeatMs: number, maxPayload: number): Welcome {
  return { type: 'welcome', version: WIRE_VERSION, connectionId, server, heartbeatMs, maxPayload, principal: '' };
}
