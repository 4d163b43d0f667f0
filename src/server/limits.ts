/**
 * The limits of what a connection may ask for and is sent, which are not configured: each with what happens when it is
 * met. Those that operators set are in `ServerOptions`; those that concern one mechanism alone stand beside it (such as
 * `admission.ts`, `rejections.ts`, `drain.ts` and the fan-out's lingering).
 */

/** Data goes out in slices of at most this, or of one batch if that is larger; what is more waits for the next slice. */
export const SLICE_BYTES_MAX = 64 * 1024;

/** Data in flight per connection and flush; past it the subscription falls behind and goes on when the link drains. */
export const IN_FLIGHT_BYTES_MAX = 256 * 1024;

/** What one connection is sent of its backlog before the next one's turn, so that a crowd that resumes shares the loop. */
export const BACKLOG_BYTES_PER_TURN = 256 * 1024;

/** What all connections together are sent of their backlogs in one turn, before live delivery has its turn again. */
export const BACKLOG_BYTES_PER_ROUND = 4 * 1024 * 1024;

/**
 * What looking at one record to conflate counts as, in bytes sent: it takes about as long. So a round of backlogs looks
 * at 16,384 records at the most, and live delivery has its turn.
 */
export const SCANNED_RECORD_COST = 256;

/**
 * The keys that LATEST_PER_KEY can tell apart in what a cursor has missed, in bytes, each with 64 more for its place in
 * memory: about 100,000 short ones. What lies before the newest that many is left out, and declared as SKIPPED.
 */
export const CONFLATION_BYTES_MAX = 8 * 1024 * 1024;

/** Frames other than MESSAGES that wait for a link; past it the peer's requests are not read until it has drained. */
export const CONTROL_BYTES_MAX = 64 * 1024;

/** Frames taken from one connection in a turn; past it it is not read until the others have had theirs. */
export const FRAMES_PER_TURN = 512;

/** Subscribes and unsubscribes a connection may send: this many a second for ever; past it they fail with RATE_LIMITED. */
export const SUBSCRIPTION_CHANGES_PER_SECOND = 1_000;
/**
 * Looking for the topics of a pattern counts as one change more for so many tokens of names looked at, which takes some
 * 20 µs; past what is left, changes fail with RATE_LIMITED until it is paid back.
 */
export const LOOKS_PER_CHANGE = 250;
/** One such look is as much of a connection's turn as sending so many bytes. */
export const LOOK_BYTES = 32;
/**
 * Topics, times the patterns that cover each, which are kept at hand: some 40 MB. Past it the longest kept go, and are
 * looked up again when something is next appended to their topics.
 */
export const LINKS_MAX = 1_000_000;

/** Fetches a connection may send: this many a second for ever; past it they fail with RATE_LIMITED. */
export const FETCHES_PER_SECOND = 1_000;
/** Fetches of one connection that may wait at the same time; past it they fail with RATE_LIMITED. */
export const FETCHES_MAX = 64;
/** The longest wait of a FETCH; a longer one is cut to this. */
export const FETCH_WAIT_MS_MAX = 60_000;
/** Records that a FETCH is given when it names no limit; if there are more, FETCHED says so. */
export const FETCH_RECORDS_DEFAULT = 4_096;
/** Bytes that a FETCH is given, whatever it asks for, but for a larger first batch; if there are more, FETCHED says so. */
export const FETCH_BYTES_MAX = 4 * 1024 * 1024;

/**
 * An empty topic whose records had ids is kept for so long after its last append, longer than any client goes on trying
 * to publish; past it the topic may be forgotten, and its ids with it.
 */
export const IDS_KEPT_MS = 600_000;

/** How long a closed connection is waited for to let go before it is destroyed. */
export const LINGER_MS = 2_000;

/** A client that claims to have taken longer to connect is not counted: Linux itself gives up after 127 s. */
export const CONNECT_MS_MAX = 130_000;

/** A client's name in log lines and `/status` is cut to this many characters. */
export const CLIENT_NAME_MAX = 256;

/** The wheel's resolution: a deadline is met up to this much late. */
export const WHEEL_RESOLUTION_MS = 50;
