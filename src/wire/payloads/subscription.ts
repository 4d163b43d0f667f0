import {
  OnLag,
  type Position,
  Start,
  type Subscribe,
  type Subscribed,
  type Unsubscribe,
  type Unsubscribed,
} from '../frames.js';
import type { Draft, ProtoReader } from '../reader.js';
import type { Sink } from '../writer.js';

function describePosition(sink: Sink, position: Position): void {
  sink.text(1, position.topic);
  sink.text(2, position.epoch);
  sink.uint53(3, position.offset);
}

function readPosition(reader: ProtoReader): Position {
  const position: Draft<Position> = {
    topic: '',
    epoch: '',
    offset: 0,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        position.topic = reader.text();
        break;
      case 0x12:
        position.epoch = reader.text();
        break;
      case 0x18:
        position.offset = reader.uint53();
        break;
      default:
        reader.skip(tag);
    }
  }
  return position;
}

export function describeSubscribe(sink: Sink, subscribe: Subscribe): void {
  sink.uint32(1, subscribe.requestId);
  sink.text(2, subscribe.topic);
  sink.uint32(3, subscribe.start);
  sink.text(4, subscribe.epoch);
  sink.uint53(5, subscribe.offset);
  sink.uint32(6, subscribe.lastN);
  sink.uint53(7, subscribe.sinceUs);
  sink.uint32(8, subscribe.onLag);
  for (const position of subscribe.positions) {
    sink.message(9, describePosition, position);
  }
}

export function readSubscribe(reader: ProtoReader): Subscribe {
  const positions: Position[] = [];
  const subscribe: Draft<Subscribe> = {
    type: 'subscribe',
    requestId: 0,
    topic: '',
    start: Start.LATEST,
    epoch: '',
    offset: 0,
    lastN: 0,
    sinceUs: 0,
    onLag: OnLag.WAIT,
    positions,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        subscribe.requestId = reader.uint32();
        break;
      case 0x12:
        subscribe.topic = reader.text();
        break;
      case 0x18:
        subscribe.start = reader.enum<Start>(Start.LATEST, Start.SINCE);
        break;
      case 0x22:
        subscribe.epoch = reader.text();
        break;
      case 0x28:
        subscribe.offset = reader.uint53();
        break;
      case 0x30:
        subscribe.lastN = reader.uint32();
        break;
      case 0x38:
        subscribe.sinceUs = reader.uint53();
        break;
      case 0x40:
        subscribe.onLag = reader.enum<OnLag>(OnLag.WAIT, OnLag.DISCONNECT);
        break;
      case 0x4a:
        positions.push(reader.message(readPosition));
        break;
      default:
        reader.skip(tag);
    }
  }
  return subscribe;
}

export function describeSubscribed(sink: Sink, subscribed: Subscribed): void {
  sink.uint32(1, subscribed.requestId);
  sink.text(2, subscribed.topic);
  sink.text(3, subscribed.epoch);
  sink.uint53(4, subscribed.nextOffset);
  sink.uint53(5, subscribed.headOffset);
}

export function readSubscribed(reader: ProtoReader): Subscribed {
  const subscribed: Draft<Subscribed> = {
    type: 'subscribed',
    requestId: 0,
    topic: '',
    epoch: '',
    nextOffset: 0,
    headOffset: 0,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        subscribed.requestId = reader.uint32();
        break;
      case 0x12:
        subscribed.topic = reader.text();
        break;
      case 0x1a:
        subscribed.epoch = reader.text();
        break;
      case 0x20:
        subscribed.nextOffset = reader.uint53();
        break;
      case 0x28:
        subscribed.headOffset = reader.uint53();
        break;
      default:
        reader.skip(tag);
    }
  }
  return subscribed;
}

export function describeUnsubscribe(sink: Sink, unsubscribe: Unsubscribe): void {
  sink.uint32(1, unsubscribe.requestId);
  sink.text(2, unsubscribe.topic);
}

export function readUnsubscribe(reader: ProtoReader): Unsubscribe {
  const unsubscribe: Draft<Unsubscribe> = {
    type: 'unsubscribe',
    requestId: 0,
    topic: '',
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        unsubscribe.requestId = reader.uint32();
        break;
      case 0x12:
        unsubscribe.topic = reader.text();
        break;
      default:
        reader.skip(tag);
    }
  }
  return unsubscribe;
}

export function describeUnsubscribed(sink: Sink, unsubscribed: Unsubscribed): void {
  sink.uint32(1, unsubscribed.requestId);
  sink.text(2, unsubscribed.topic);
}

export function readUnsubscribed(reader: ProtoReader): Unsubscribed {
  const unsubscribed: Draft<Unsubscribed> = {
    type: 'unsubscribed',
    requestId: 0,
    topic: '',
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x08:
        unsubscribed.requestId = reader.uint32();
        break;
      case 0x12:
        unsubscribed.topic = reader.text();
        break;
      default:
        reader.skip(tag);
    }
  }
  return unsubscribed;
}
