/** The server: who is let in, what they ask for, and how it reaches them. */
export { Admission, type AdmissionOptions, Slot } from './admission.js';
export type { Clock, Environment, Log, Randomness, Rejection, Scheduler, Telemetry } from './environment.js';
export { type Address, Listener } from './listener.js';
export { PushServer, type ServerOptions } from './push-server.js';
export type { ConnectionStatus, ServerStats, TopicStatus } from './status.js';
