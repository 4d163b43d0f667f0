import type { Ping, Pong } from '../frames.js';
import type { Draft, ProtoReader } from '../reader.js';
import type { Sink } from '../writer.js';

export function describePing(sink: Sink, ping: Ping): void {
  sink.uint64(1, ping.nonce);
  sink.uint64(2, ping.sentUs);
  sink.uint32(3, ping.rttUs);
}

export function readPing(reader: ProtoReader): Ping {
  const ping: Draft<Ping> = {
    type: 'ping',
    nonce: 0n,
    sentUs: 0n,
    rttUs: 0,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        ping.nonce = reader.uint64();
        break;
      case 0x10:
        ping.sentUs = reader.int64();
        break;
      case 0x18:
        ping.rttUs = reader.uint32();
        break;
      default:
        reader.skip(tag);
    }
  }
  return ping;
}

export function describePong(sink: Sink, pong: Pong): void {
  sink.uint64(1, pong.nonce);
  sink.uint64(2, pong.sentUs);
}

export function readPong(reader: ProtoReader): Pong {
  const pong: Draft<Pong> = {
    type: 'pong',
    nonce: 0n,
    sentUs: 0n,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        pong.nonce = reader.uint64();
        break;
      case 0x10:
        pong.sentUs = reader.int64();
        break;
      default:
        reader.skip(tag);
    }
  }
  return pong;
}
