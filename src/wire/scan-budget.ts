import { FRAME_OVERHEAD } from './frame.js';

/**
 * Bytes searched in one go, in frames of the largest size. From the start of a damaged frame to the next one it is at
 * most one frame, if only one was hit; two allow for a burst on the border between two.
 */
export const SCAN_FRAMES_MAX = 2;
/**
 * Bytes of candidates whose CRC is computed in vain, per byte received. In a damaged frame hardly ever more than one
 * place looks like a frame; a peer who makes them look so on purpose gets 4 bytes of CRC, a few nanoseconds, for each
 * byte he sends. Looking at each offset costs more than that: 15 to 65 ns were measured, by how plausible the bytes are.
 */
export const SCAN_CRC_FACTOR = 4;

/**
 * Bounds the search for the next frame, so that a hostile peer buys nothing with it: the bytes of one search, and the
 * CRC work, which is a bucket of credit filled by what arrives and holding at most what one search may need. There are
 * at most as many searches as corrupt frames on a connection.
 */
export class ScanBudget {
  #bytesLeft = 0;
  #crcCredit = 0;

  received(bytes: number, payloadBytesMax: number): void {
    const most = SCAN_CRC_FACTOR * SCAN_FRAMES_MAX * (payloadBytesMax + FRAME_OVERHEAD);
    this.#crcCredit = Math.min(this.#crcCredit + SCAN_CRC_FACTOR * bytes, most);
  }

  begin(payloadBytesMax: number): void {
    this.#bytesLeft = SCAN_FRAMES_MAX * (payloadBytesMax + FRAME_OVERHEAD);
  }

  /** One byte further; false if the search must end. */
  spendByte(): boolean {
    this.#bytesLeft -= 1;
    return this.#bytesLeft >= 0;
  }

  /** A CRC of so many bytes; false if it must not be computed. */
  spendCrc(bytes: number): boolean {
    this.#crcCredit -= bytes;
    return this.#crcCredit >= 0;
  }
}
