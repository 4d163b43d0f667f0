import type { Hello, Welcome } from '../frames.js';
import type { Draft, ProtoReader } from '../reader.js';
import type { Sink } from '../writer.js';

export function describeHello(sink: Sink, hello: Hello): void {
  sink.uint32(1, hello.version);
  sink.text(2, hello.client);
  sink.text(3, hello.token);
  sink.uint32(4, hello.heartbeatMs);
  sink.uint32(5, hello.connectMs);
  sink.uint32(6, hello.attempt);
  sink.bool(7, hello.resuming);
}

export function readHello(reader: ProtoReader): Hello {
  const hello: Draft<Hello> = {
    type: 'hello',
    version: 0,
    client: '',
    token: '',
    heartbeatMs: 0,
    connectMs: 0,
    attempt: 0,
    resuming: false,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        hello.version = reader.uint32();
        break;
      case 0x12:
        hello.client = reader.text();
        break;
      case 0x1a:
        hello.token = reader.text();
        break;
      case 0x20:
        hello.heartbeatMs = reader.uint32();
        break;
      case 0x28:
        hello.connectMs = reader.uint32();
        break;
      case 0x30:
        hello.attempt = reader.uint32();
        break;
      case 0x38:
        hello.resuming = reader.bool();
        break;
      default:
        reader.skip(tag);
    }
  }
  return hello;
}

export function describeWelcome(sink: Sink, welcome: Welcome): void {
  sink.uint32(1, welcome.version);
  sink.text(2, welcome.connectionId);
  sink.text(3, welcome.server);
  sink.uint32(4, welcome.heartbeatMs);
  sink.uint32(5, welcome.maxPayload);
  sink.text(6, welcome.principal);
}

export function readWelcome(reader: ProtoReader): Welcome {
  const welcome: Draft<Welcome> = {
    type: 'welcome',
    version: 0,
    connectionId: '',
    server: '',
    heartbeatMs: 0,
    maxPayload: 0,
    principal: '',
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        welcome.version = reader.uint32();
        break;
      case 0x12:
        welcome.connectionId = reader.text();
        break;
      case 0x1a:
        welcome.server = reader.text();
        break;
      case 0x20:
        welcome.heartbeatMs = reader.uint32();
        break;
      case 0x28:
        welcome.maxPayload = reader.uint32();
        break;
      case 0x32:
        welcome.principal = reader.text();
        break;
      default:
        reader.skip(tag);
    }
  }
  return welcome;
}
