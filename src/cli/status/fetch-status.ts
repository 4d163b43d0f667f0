import type { ConnectionStatus, ServerStats, TopicStatus } from '../../server/index.js';
import { explainCode, Failure, isSystemError } from '../failure.js';
import { within } from '../within.js';

/** What `/status` of the side port answers. */
export interface DaemonStatus {
  readonly version: string;
  readonly stats: ServerStats;
  readonly connections: readonly ConnectionStatus[];
  readonly topics: readonly TopicStatus[];
}

const ANSWER_MS_MAX = 5_000;

/** Asks a daemon how it is. Fails if nothing answers there, or something that is no push-daemon, or at the signal. */
export const fetchStatus = async (url: URL, signal: AbortSignal): Promise<DaemonStatus> => {
  const late = within(signal, ANSWER_MS_MAX);
  try {
    const response = await fetch(url, { signal: late.signal });
    const answer: unknown = response.ok ? await response.json().catch(() => undefined) : undefined;
    if (isStatus(answer)) return answer;
    throw new Failure('unreachable', `${url.href}: answers (HTTP ${response.status}), but not as a push-daemon`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const reason = late.signal.aborted ? `no answer within ${ANSWER_MS_MAX / 1_000} s` : reasonOf(error);
    throw new Failure('unreachable', `${url.href}: ${reason}`);
  } finally {
    late.clear();
  }
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
  const { cause } = error;
  if (isSystemError(cause)) return explainCode(cause.code);
  return cause instanceof Error ? cause.message : error.message;
};
