"""A client of push-daemon, with the standard library alone. The rules in brackets are those of docs/PROTOCOL.md."""
import argparse
import random
import socket
import sys
import time
import uuid

import wire


class Closed(Exception):
    """The server said CLOSE: code, reason, retryable, retry_after_ms."""


class Link:
    """One connection. An OSError or Closed says that it has ended."""

    def __init__(self, connection, connect_ms, attempt, resuming):
        self.socket, self.decoder, self.interval_ms = connection, wire.Decoder(), 5000
        self.send(wire.HELLO, 1, "python-example", "", 0, connect_ms, attempt, int(resuming))

    def send(self, kind, *fields):
        self.socket.sendall(wire.frame(kind, *fields))

    def frames(self):
        """Yields each frame that is not about the link itself, and gives up on a server that is silent. [HBT-6]"""
        silent = 0
        while True:
            self.socket.settimeout(self.interval_ms / 1000)
            try:
                chunk, silent = self.socket.recv(65536), 0
            except TimeoutError:
                chunk, silent = b"", silent + 1
                if silent == 3:
                    raise
                self.send(wire.PING, silent)
            if not chunk and not silent:
                raise ConnectionError("the server has gone")
            for kind, body in self.decoder.frames(chunk):
                if kind == wire.PING:
                    self.send(wire.PONG, *wire.decode(body, 0, 0))  # [HBT-4]
                elif kind == wire.WELCOME:
                    _, _, _, self.interval_ms, self.decoder.max_payload = wire.decode(body, 0, "", "", 0, 0)
                elif kind == wire.CLOSE:
                    raise Closed(*wire.decode(body, 0, "", 0, 0))
                yield kind, body


def connected(address, session):
    """Yields what session(link) does, on one connection after another, until it ends by itself. [CLS-4, CLS-5]"""
    attempt, resuming = 0, False
    while True:
        began = time.monotonic()
        try:
            with socket.create_connection(address, timeout=10) as connection:
                link = Link(connection, int((time.monotonic() - began) * 1000), attempt, resuming)
                resuming = True
                yield from session(link)
                return link.send(wire.CLOSE, wire.BYE)
        except (OSError, Closed) as error:
            code, reason, retryable, wait_ms = error.args if isinstance(error, Closed) else ("", error, 1, 0)
            if not retryable:
                raise
        attempt = 0 if time.monotonic() - began > 10 else attempt + 1
        wait = wait_ms / 1000 or random.uniform(0, min(10, 0.1 * 2**attempt))
        print(f"link lost: {code} {reason}; again in {wait:.1f} s", file=sys.stderr)
        time.sleep(wait)


def subscribe(address, topic, start, places):
    """Yields (topic, epoch, offset, data) of each record, once and in order, and (topic, epoch, None, what) of a gap.

    `places`, kept up to date, has the epoch and the next offset wanted of each topic: to be saved, and started from."""

    def ask(link):
        place = (wire.POSITION, *places[topic]) if topic in places else (start, "", 0)  # [RES-1]
        positions = [wire.encode(name, *place) for name, place in places.items()]  # [PAT-3]
        link.send(wire.SUBSCRIBE, 1, topic, *place, 0, 0, 0, positions)

    def session(link):
        nonlocal start
        ask(link)
        for kind, body in link.frames():
            if kind == wire.SUBSCRIBED:
                _, name, epoch, offset = wire.decode(body, 0, "", "", 0)
                start = wire.EARLIEST  # for what will have come up when we come back
                if epoch:  # not the pattern itself [PAT-1]
                    places[name] = epoch, offset  # [SUB-3]
            elif kind == wire.MESSAGES:
                name, base, previous, _, records = wire.decode(body, "", 0, 0, 0, [])
                epoch, wanted = places[name]
                if previous >= wanted:
                    raise ConnectionError("frames are missing")  # [MSG-4]
                for offset, record in enumerate(records, base):
                    if offset >= wanted:  # [MSG-2]
                        places[name] = epoch, offset + 1
                        yield name, epoch, offset, wire.decode(record, b"")[0]
            elif kind == wire.GAP:
                name, epoch, first, last, reason = wire.decode(body, "", "", 0, 0, 0)
                places[name] = epoch, max(places[name][1], last + 1)  # [GAP-2]
                yield name, epoch, None, f"{first} to {last} {wire.GAP_REASONS[reason]}"
            elif kind == wire.ERROR:
                _, code, message = wire.decode(body, 0, 0, "")
                if code != wire.OFFSET_IN_FUTURE:
                    raise SystemExit(f"refused: {code} {message}")
                yield topic, "", None, message
                if places.pop(topic, None):  # for a topic of a pattern, the server goes on by itself [RES-5, PAT-4]
                    ask(link)
    return connected(address, session)


def publish(address, topic, texts):
    """Publishes a batch, once however often the link breaks, and returns the position of each record. [PUB-6]"""
    records = [wire.encode(text, uuid.uuid4().bytes) for text in texts]

    def session(link):
        link.send(wire.PUBLISH, 1, topic, records)
        deadline = time.monotonic() + 10
        for kind, body in link.frames():
            if kind in (wire.ACK, wire.ERROR):
                return (yield kind, body)
            if time.monotonic() > deadline:
                raise ConnectionError("no answer")  # [COR-6]
    [(kind, body)] = connected(address, session)
    if kind == wire.ERROR:
        raise SystemExit("refused: {1} {2}".format(*wire.decode(body, 0, 0, "")))
    _, epoch, base, results = wire.decode(body, 0, "", 0, [])
    return [(epoch, wire.decode(result, 0)[0]) for result in results] or [(epoch, base + i) for i in range(len(texts))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Subscribe to push-daemon, or publish to it.")
    parser.add_argument("--server", default="127.0.0.1:9000")
    parser.add_argument("--from", dest="start", default="latest", help="latest, earliest, or EPOCH:OFFSET")
    parser.add_argument("command", choices=["sub", "pub"])
    parser.add_argument("topic")
    parser.add_argument("text", nargs="*")
    options = parser.parse_args()
    host, port = options.server.rsplit(":", 1)
    if options.command == "pub":
        print(*("%s:%d" % position for position in publish((host, int(port)), options.topic, options.text)), sep="\n")
    else:
        epoch, _, offset = options.start.rpartition(":")
        places = {options.topic: (epoch, int(offset))} if epoch else {}
        start = wire.EARLIEST if offset == "earliest" else wire.LATEST
        for topic, epoch, offset, data in subscribe((host, int(port)), options.topic, start, places):
            what = f"gap {data}" if offset is None else f"{epoch}:{offset} {data.decode(errors='replace')}"
            print(topic, what, flush=True)
