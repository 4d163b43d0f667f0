import { get as getByHttp, type IncomingMessage } from 'node:http';
import { get as getByHttps } from 'node:https';
import { json } from 'node:stream/consumers';
import type { ConnectionStatus, ServerStats, TopicStatus } from '../../server/index.js';
import { explainCode, Failure } from '../failure.js';
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
    const response = await request(url, late.signal);
    const answer = await json(response).catch(notJson);
    if (response.statusCode === 200 && isStatus(answer)) return answer;
    throw new Failure('unreachable', `${url.href}: answers (HTTP ${response.statusCode}), but not as a push-daemon`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const reason = late.signal.aborted ? `no answer within ${ANSWER_MS_MAX / 1_000} s` : reasonOf(error);
    throw new Failure('unreachable', `${url.href}: ${reason}`);
  } finally {
    late.clear();
  }
};

/** By Node's own client: `fetch` does not talk to ports that are unsafe for browsers, and a daemon may be at any. */
const request = (url: URL, signal: AbortSignal): Promise<IncomingMessage> => {
  const get = url.protocol === 'https:' ? getByHttps : getByHttp;
  return new Promise((resolve, reject) => {
    get(url, { signal, agent: false }, resolve).on('error', reject);
  });
};

/** What is no JSON is no status; that it could not be read to its end is another matter. */
const notJson = (error: unknown): undefined => {
  if (!(error instanceof SyntaxError)) throw error;
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

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { code }: NodeJS.ErrnoException = error;
  if (code === undefined) return error.message;
  return code.startsWith('HPE_') ? 'what answers there does not speak HTTP' : explainCode(code);
};
