"""Frames of push-daemon, sections 1 and 2 of docs/PROTOCOL.md. Bytes in, values out. Rules are named in brackets."""

import io
import struct
import zlib

HELLO, WELCOME, PING, PONG, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED = range(1, 9)
PUBLISH, ACK, MESSAGES, GAP, FETCH, FETCHED, ERROR, CLOSE = range(9, 17)
LATEST, EARLIEST, POSITION, LAST_N, SINCE = range(5)
GAP_REASONS = ["", "EVICTED", "SKIPPED", "EPOCH_CHANGED", "CONFLATED", "CORRUPT"]
BYE, CORRUPT, OFFSET_IN_FUTURE = 1000, 2003, 3006


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def tagged(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def encode(*fields):
    """A message of fields in the order of their numbers. Zeros are left out; a list is a repeated field. [PAY-5]"""
    out = b""
    for number, value in enumerate(fields, 1):
        for item in value if isinstance(value, list) else [value] if value else []:
            if isinstance(item, int):
                out += varint(number << 3) + varint(item & 2**64 - 1)
            else:
                out += tagged(number, item.encode() if isinstance(item, str) else item)
    return out


def frame(kind, *fields):
    payload = tagged(kind, encode(*fields))
    return struct.pack(">I", len(payload)) + payload + struct.pack(">I", zlib.crc32(payload))


def read_varint(stream):
    value = shift = 0
    while byte := stream.read(1):
        value, shift = value | (byte[0] & 127) << shift, shift + 7
        if byte[0] < 128:
            break
    return value


def parse(data):
    """The fields of a message, as number and value: an int if it is a varint, else bytes."""
    stream = io.BytesIO(data)
    while tag := read_varint(stream):
        size = {1: 8, 5: 4}.get(tag & 7)
        yield tag >> 3, read_varint(stream) if tag & 7 == 0 else stream.read(size or read_varint(stream))


def decode(data, *defaults):
    """The values of a message's first fields, each of its default's type. What else there is, is skipped. [PAY-5]"""
    values = [[] if default == [] else default for default in defaults]
    for number, value in parse(data):
        if number > len(values) or isinstance(value, int) != isinstance(values[number - 1], int):
            continue
        if isinstance(values[number - 1], list):
            values[number - 1].append(value)
        else:
            values[number - 1] = value.decode() if isinstance(values[number - 1], str) else value
    return values


class Decoder:
    """Cuts a stream of bytes into frames. A corrupt one is an error: giving up the link is cheap. [COR-7]"""

    def __init__(self):
        self.received, self.max_payload = b"", 2**20

    def frames(self, chunk):
        """Yields the number and the fields, not yet decoded, of each frame that is whole now."""
        self.received += chunk
        while len(self.received) >= 4:
            length = int.from_bytes(self.received[:4], "big")
            if not 0 < length <= self.max_payload + 32:  # [FRM-5]
                raise ConnectionError("a frame of illegal length")
            if len(self.received) < length + 8:
                return
            payload, crc = self.received[4:length + 4], self.received[length + 4:length + 8]
            self.received = self.received[length + 8:]
            if zlib.crc32(payload) != int.from_bytes(crc, "big"):
                raise ConnectionError("a frame with a wrong CRC")
            [(kind, body)] = parse(payload)
            yield kind, body
