import type { ConnectionStatus, ServerStats, TopicStatus } from '../../server/index.js';
import { explainCode, Failure, isSystemError } from '../failure.js';

/** What `/status` of the side port answers. */
export interface DaemonStatus {
  readonly version: string;
  readonly stats: ServerStats;
  readonly connections: readonly ConnectionStatus[];
  readonly topics: readonly TopicStatus[];
}

const ANSWER_MS_MAX = 5_000;

/** Asks a daemon how it is. Fails if nothing answers there, or something that is no push-daemon. */
export const fetchStatus = async (url: URL): Promise<DaemonStatus> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) }).catch((error: unknown) => {
    throw new Failure('unreachable', `${url.href}: ${reasonOf(error)}`);
  });
  const answer: unknown = response.ok ? await response.json().catch(() => undefined) : undefined;
  if (!isStatus(answer)) {
    throw new Failure('unreachable', `${url.href}: answers (HTTP ${response.status}), but not as a push-daemon`);
  }
  return answer;
};

const isStatus = (answer: unknown): answer is DaemonStatus =>
  typeof answer === 'object' &&
  answer !== null &&
  'version' in answer &&
  'stats' in answer &&
  'connections' in answer &&
  Array.isArray(answer.connections) &&
  'topics' in answer &&
  Array.isArray(answer.topics);

/** The system's error is the cause of fetch's own, which says nothing. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_MS_MAX / 1_000} s`;
  const { cause } = error;
  if (isSystemError(cause)) return explainCode(cause.code);
  return cause instanceof Error ? cause.message : error.message;
};
