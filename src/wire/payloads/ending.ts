import type { Close, ErrorFrame } from '../frames.js';
import type { Draft, ProtoReader } from '../reader.js';
import type { Sink } from '../writer.js';

export function describeErrorFrame(sink: Sink, error: ErrorFrame): void {
  sink.uint32(1, error.requestId);
  sink.uint32(2, error.code);
  sink.text(3, error.message);
}

export function readErrorFrame(reader: ProtoReader): ErrorFrame {
  const error: Draft<ErrorFrame> = {
    type: 'error',
    requestId: 0,
    code: 0,
    message: '',
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        error.requestId = reader.uint32();
        break;
      case 0x10:
        error.code = reader.uint32();
        break;
      case 0x1a:
        error.message = reader.text();
        break;
      default:
        reader.skip(tag);
    }
  }
  return error;
}

export function describeClose(sink: Sink, close: Close): void {
  sink.uint32(1, close.code);
  sink.text(2, close.reason);
  sink.bool(3, close.retryable);
  sink.uint32(4, close.retryAfterMs);
  sink.text(5, close.endpoint);
}

export function readClose(reader: ProtoReader): Close {
  const close: Draft<Close> = {
    type: 'close',
    code: 0,
    reason: '',
    retryable: false,
    retryAfterMs: 0,
    endpoint: '',
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        close.code = reader.uint32();
        break;
      case 0x12:
        close.reason = reader.text();
        break;
      case 0x18:
        close.retryable = reader.bool();
        break;
      case 0x20:
        close.retryAfterMs = reader.uint32();
        break;
      case 0x2a:
        close.endpoint = reader.text();
        break;
      default:
        reader.skip(tag);
    }
  }
  return close;
}
