import { ChunkQueue } from './chunk-queue.js';
import { CORRUPT_FRAMES_MAX, DecodeStep, type OnCorrupt, type StreamFault, TOO_LARGE_FACTOR } from './decode-step.js';
import { FRAME_OVERHEAD, HEADER_BYTES, PAYLOAD_BYTES_HANDSHAKE } from './frame.js';
import { FrameSearch, SearchStep } from './frame-search.js';
import { isIntact, Look, look, resemblesFrame } from './look.js';

/**
 * - `inStep`: a frame is expected to start at the front of the queue.
 * - `behindDiscarded`: the same, on the word of a frame that was itself corrupt or too long.
 * - `discarding`: `#left` bytes of a frame that is too long are still to be dropped.
 * - `scanning`: the next frame is looked for, byte by byte.
 * - `dead`: after FATAL.
 */
type State = 'inStep' | 'behindDiscarded' | 'discarding' | 'scanning' | 'dead';

const EMPTY = new Uint8Array(0);

/**
 * Turns a stream of bytes into payloads: lengths are judged before anything is kept for them, and CRCs before anything
 * is handed out. `push` what has arrived, then ask `next` until it says NEED_MORE.
 *
 * `skip`: a frame of legal length with a wrong CRC is discarded whole. A frame over the limit is discarded by its
 * length, without being kept, up to 16 times the limit. Nothing is ever looked for inside either, for its bytes may be
 * an outsider's. As the CRC does not cover the length, the length may have been what was damaged; so what follows a
 * discarded frame must be a frame: of legal length with the right CRC, or at least resembling one (if corrupt too: a
 * known tag, or a length of its own that agrees with the header; if too long: both). If it is not, the place is lost,
 * and the connection ends with CORRUPT.
 *
 * `scan`: every frame must have the look of one from the start, and if it has, it is treated as with `skip`. If it has
 * not, its length cannot be believed, and the next offset is searched for at which a frame stands, with the look and
 * the right CRC, within the bounds of `ScanBudget`. A payload that has fields of the envelope beside the one it carries
 * is not recognised in this mode.
 *
 * `close`: the first corrupt or too long frame ends the connection.
 *
 * In every mode a length of 0 in step ends it with PROTOCOL_ERROR and one over 16 times the limit with FRAME_TOO_LARGE
 * (with `scan`, if the frame has the look; if not, it is damage like any other), and so does the 17th corrupt frame,
 * with CORRUPT. Until `setMaxPayload` is called the limit is that of the handshake, and nothing longer is tolerated.
 */
export class FrameDecoder {
  /** After FRAME: where the payload lies. Valid until the next call; the bytes themselves are never overwritten. */
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  /** After FATAL: why. */
  fault: StreamFault | undefined;
  /** Corrupt frames noticed, the one that ended the connection included. */
  corruptFrames = 0;
  /** Bytes discarded: of corrupt frames, of frames too long, and between frames. */
  resyncBytes = 0;

  readonly #onCorrupt: OnCorrupt;
  readonly #queue = new ChunkQueue();
  readonly #search = new FrameSearch(this.#queue);
  #state: State = 'inStep';
  #left = 0;
  #payloadBytesMax = PAYLOAD_BYTES_HANDSHAKE;
  #tooLargeBytesMax = PAYLOAD_BYTES_HANDSHAKE;

  constructor(onCorrupt: OnCorrupt) {
    this.#onCorrupt = onCorrupt;
  }

  /** The handshake is over: payloads of up to `bytes` bytes are accepted from here on. */
  setMaxPayload(bytes: number): void {
    this.#payloadBytesMax = bytes;
    this.#tooLargeBytesMax = bytes * TOO_LARGE_FACTOR;
  }

  /** Bytes held, of whole frames not yet asked for and of one that is not whole yet. */
  get buffered(): number {
    return this.#queue.size;
  }

  /** After NEED_MORE: whether part of a frame has arrived, or of one being discarded, and not all of it. */
  get midFrame(): boolean {
    return this.#queue.size > 0 || this.#state === 'discarding';
  }

  /** Takes a chunk over: nobody may write to it from here on. Chunks of any size are kept at bounded cost. */
  push(chunk: Uint8Array): void {
    if (this.#state === 'dead') {
      return;
    }
    this.#queue.append(chunk);
    if (this.#onCorrupt === 'scan') {
      this.#search.received(chunk.length, this.#payloadBytesMax);
    }
  }

  next(): DecodeStep {
    switch (this.#state) {
      case 'inStep':
      case 'behindDiscarded':
        return this.#atBoundary();
      case 'discarding':
        return this.#discardTooLarge();
      case 'scanning':
        return this.#scan();
      case 'dead':
        return DecodeStep.FATAL;
    }
  }

  #needMore(): DecodeStep {
    // An idle connection must not pin the socket's buffer through the last payload's view.
    this.bytes = EMPTY;
    return DecodeStep.NEED_MORE;
  }

  #atBoundary(): DecodeStep {
    const queue = this.#queue;
    if (queue.size < HEADER_BYTES) {
      return this.#needMore();
    }
    const length = queue.uint32();
    if (length === 0 || length > this.#payloadBytesMax) {
      return this.#illegalLength(length);
    }
    if (this.#onCorrupt === 'scan') {
      const seen = look(queue, this.#payloadBytesMax);
      if (seen !== Look.FRAME) {
        return seen === Look.UNDECIDED ? this.#needMore() : this.#lostPlace();
      }
    }
    if (queue.size < length + FRAME_OVERHEAD) {
      return this.#needMore();
    }
    return isIntact(queue, length) ? this.#deliver(length) : this.#wrongCrc(length);
  }

  #deliver(length: number): DecodeStep {
    this.bytes = this.#queue.bytes;
    this.start = this.#queue.start + HEADER_BYTES;
    this.end = this.start + length;
    this.#queue.skip(length + FRAME_OVERHEAD);
    this.#state = 'inStep';
    return DecodeStep.FRAME;
  }

  #illegalLength(length: number): DecodeStep {
    if (this.#state === 'behindDiscarded' || this.#onCorrupt === 'scan') {
      const seen = look(this.#queue, 0xffffffff);
      if (seen !== Look.FRAME) {
        return seen === Look.UNDECIDED ? this.#needMore() : this.#lostPlace();
      }
    }
    if (length === 0) {
      this.corruptFrames += 1;
      return this.#die('PROTOCOL_ERROR', 'a frame of length 0');
    }
    if (this.#onCorrupt === 'close' || length > this.#tooLargeBytesMax) {
      const reason = `a payload of ${length} bytes${asText(length)}; the limit is ${this.#payloadBytesMax}`;
      return this.#die('FRAME_TOO_LARGE', reason);
    }
    this.#state = 'discarding';
    this.#left = length + FRAME_OVERHEAD;
    return DecodeStep.TOO_LARGE;
  }

  #discardTooLarge(): DecodeStep {
    this.#left -= this.#discard(this.#left);
    if (this.#left > 0) {
      return this.#needMore();
    }
    this.#state = 'behindDiscarded';
    return this.#atBoundary();
  }

  #wrongCrc(length: number): DecodeStep {
    if (this.#state === 'behindDiscarded' && !resemblesFrame(this.#queue, length)) {
      return this.#lostPlace();
    }
    if (this.#countCorrupt()) {
      this.#discard(length + FRAME_OVERHEAD);
      this.#state = 'behindDiscarded';
      return DecodeStep.CORRUPT;
    }
    return DecodeStep.FATAL;
  }

  /** What stands at the front is no frame, and its length cannot be believed. */
  #lostPlace(): DecodeStep {
    if (!this.#countCorrupt()) {
      return DecodeStep.FATAL;
    }
    if (this.#onCorrupt !== 'scan') {
      return this.#die('CORRUPT', 'what follows a discarded frame is not a frame');
    }
    this.#search.begin(this.#payloadBytesMax);
    this.#state = 'scanning';
    this.#discard(1);
    return DecodeStep.CORRUPT;
  }

  #scan(): DecodeStep {
    const held = this.#queue.size;
    const step = this.#search.advance(this.#payloadBytesMax);
    this.resyncBytes += held - this.#queue.size;
    switch (step) {
      case SearchStep.NEED_MORE:
        return this.#needMore();
      case SearchStep.FOUND:
        return this.#deliver(this.#queue.uint32());
      case SearchStep.TOO_MUCH_TO_CHECK:
        return this.#die('CORRUPT', 'too much to check in search of the next frame');
      case SearchStep.TOO_FAR:
        return this.#die('CORRUPT', 'no frame found within the bytes that may be searched');
    }
  }

  /** Counts a corrupt frame; false, and dead, if it was one too many. */
  #countCorrupt(): boolean {
    this.corruptFrames += 1;
    if (this.#onCorrupt === 'close') {
      this.#die('CORRUPT', 'a corrupt frame');
    } else if (this.corruptFrames > CORRUPT_FRAMES_MAX) {
      this.#die('CORRUPT', `more than ${CORRUPT_FRAMES_MAX} corrupt frames`);
    }
    return this.fault === undefined;
  }

  #discard(count: number): number {
    const discarded = this.#queue.skip(count);
    this.resyncBytes += discarded;
    return discarded;
  }

  #die(code: StreamFault['code'], reason: string): DecodeStep {
    this.fault = { code, reason };
    this.#state = 'dead';
    this.bytes = EMPTY;
    this.#queue.skip(this.#queue.size);
    return DecodeStep.FATAL;
  }
}

/** A length that is four letters, such as `HTTP` or `GET `, betrays a peer that speaks another protocol. */
function asText(length: number): string {
  const bytes = [length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff];
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
    ? `, as text ${JSON.stringify(String.fromCharCode(...bytes))}`
    : '';
}
