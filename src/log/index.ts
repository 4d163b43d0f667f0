/** The log: what a topic remembers, how its name is written, and what all topics together may hold. */
export { DUPLICATE_IDS_MAX, DuplicateBudget } from './duplicate-budget.js';
export {
  DUPLICATE_WINDOW_IDS,
  DuplicateWindow,
  type DuplicateWindowOptions,
  ID_BYTES_MAX,
} from './duplicate-window.js';
export { LogError, type LogErrorCode } from './errors.js';
export { MemoryBudget } from './memory-budget.js';
export type { HashSeed } from './sip-hash.js';
export type { Slice } from './slice.js';
export { type Retention, TopicLog, type TopicLogOptions } from './topic-log.js';
export {
  isInternal,
  isPattern,
  PATTERN_TOKENS_MAX,
  PATTERN_WILDCARDS_MAX,
  patternFault,
  patternMatches,
  TOPIC_BYTES_MAX,
  topicFault,
} from './topic-name.js';
export { TopicTree } from './topic-tree.js';
