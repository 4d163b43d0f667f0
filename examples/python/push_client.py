"""A client of push-daemon, written from docs/PROTOCOL.md. The rule that a line follows is named in brackets. Usage:
    push_client.py HOST PORT sub TOPIC latest|earliest|EPOCH:OFFSET
    push_client.py HOST PORT pub TOPIC TEXT..."""
import io, random, re, socket, sys, time, zlib

HELLO, WELCOME, PING, PONG, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED = range(1, 9)  # [PAY-2]
PUBLISH, ACK, MESSAGES, GAP, FETCH, FETCHED, ERROR, CLOSE = range(9, 17)
LATEST, EARLIEST, POSITION = range(3)  # [PAY-4]
GAP_REASONS = ["", "EVICTED", "SKIPPED", "EPOCH_CHANGED", "CONFLATED", "CORRUPT"]
MAX_PAYLOAD = 2**26 + 32  # the most that a server can be configured to [FRM-5]

def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)

def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data

def encode(*values):
    """A message of fields 1, 2 and so on. A list is a repeated field; what else is empty is left out. [PAY-5]"""
    repeated = (value if isinstance(value, list) else [value] if value else [] for value in values)
    return b"".join(field(number, item) for number, items in enumerate(repeated, 1) for item in items)

def read_varint(stream):
    byte = int.from_bytes(stream.read(1), "big")  # 0 at the end
    return byte if byte < 128 else byte & 127 | read_varint(stream) << 7

def decode(message, *types):
    """Fields 1, 2 and so on, each an int, str, bytes, or list of bytes. What is missing is empty. [PAY-5]"""
    stream, values = io.BytesIO(message), [kind() for kind in types]
    while tag := read_varint(stream):
        number, value = tag >> 3, {1: 8, 5: 4}.get(tag & 7) or read_varint(stream)  # the value, or its size
        data = stream.read(value) if tag & 7 else value
        if number <= len(types):
            kind = types[number - 1]
            values[number - 1] = values[number - 1] + [data] if kind is list else data.decode() if kind is str else data
    return values

def send(link, kind, *values):
    payload = field(kind, encode(*values))  # [PAY-1]
    link.sendall(len(payload).to_bytes(4, "big") + payload + zlib.crc32(payload).to_bytes(4, "big"))  # [FRM-2]

def frames(link):
    """Yields the kind and the body of each frame that arrives, and gives up on a server that is silent."""
    received, silent = b"", 0
    while True:
        length = int.from_bytes(received[:4], "big")
        if len(received) >= 4 and not 0 < length <= MAX_PAYLOAD:  # [FRM-4]
            raise ConnectionError("a frame of illegal length")
        if len(received) < length + 8:
            try:
                chunk, silent = link.recv(65536), 0
                if not chunk:
                    raise ConnectionError("the server has gone")
                received += chunk
            except TimeoutError:  # [HBT-6]
                silent += 1
                if silent == 3:
                    raise
                send(link, PING, silent)
            continue
        payload, crc, received = received[4:length + 4], received[length + 4:length + 8], received[length + 8:]
        if zlib.crc32(payload) != int.from_bytes(crc, "big"):
            raise ConnectionError("a frame with a wrong CRC")  # [COR-7]
        envelope = io.BytesIO(payload)
        yield read_varint(envelope) >> 3, envelope.read(read_varint(envelope))

def converse(address, request):
    """Sends request() and yields the kind and the body of what comes, on one connection after another."""
    attempt, resuming = 0, 0
    while True:
        began, wait_ms, answered = time.monotonic(), 0, False
        try:
            with socket.create_connection(address, timeout=5) as link:
                send(link, HELLO, 1, "python-example", "", 0, int((time.monotonic() - began) * 1000), attempt, resuming)
                resuming = 1
                send(link, *request())  # [HSK-4]
                for kind, body in frames(link):
                    if kind == PING:
                        send(link, PONG, *decode(body, int, int))  # [HBT-4]
                    elif kind == WELCOME:
                        link.settimeout(decode(body, int, str, str, int)[3] / 1000)  # [HBT-1]
                    elif kind == CLOSE:
                        code, reason, retryable, wait_ms = decode(body, int, str, int, int)
                        raise (ConnectionError if retryable else SystemExit)(f"closed: {code} {reason}")  # [CLS-4]
                    elif kind == ERROR:
                        raise SystemExit("refused: {1} {2}".format(*decode(body, int, int, str)))
                    answered = answered or kind in (SUBSCRIBED, ACK)
                    if not answered and time.monotonic() > began + 10:
                        raise ConnectionError("no answer")  # [COR-6]
                    yield kind, body
        except OSError as error:
            attempt = 0 if time.monotonic() - began > 60 else attempt + 1
            print("link lost:", error, file=sys.stderr)
            time.sleep(wait_ms / 1000 or random.uniform(0, min(10, 0.1 * 2 ** min(attempt, 7))))  # [CLS-5]

def subscribe(address, topic, start, places):
    """Yields (topic, position, data) of each record, once and in order, and (topic, "gap", why) where some are lost.
    `places` has the epoch and the next offset wanted of each topic: keep it, to go on from there after a restart."""
    def request():
        place = (POSITION, *places[topic]) if topic in places else (start, "", 0)  # [RES-1]
        return SUBSCRIBE, 1, topic, *place, 0, 0, 0, [encode(name, *at) for name, at in places.items()]  # [PAT-3]

    for kind, body in (conversation := converse(address, request)):
        if kind == SUBSCRIBED:
            _, name, epoch, first, head = decode(body, int, str, str, int, int)
            start = EARLIEST  # for topics that come up while the link is down
            known, wanted = places.get(name, ("", 0))
            if epoch != known or wanted > head + 1:  # [SUB-3], and never so of the pattern itself [PAT-1]
                places[name] = epoch, first
                if known:
                    yield name, "gap", f"1 to {first - 1} EPOCH_CHANGED"  # [RES-4]
        elif kind == MESSAGES:
            name, base, previous, _, records = decode(body, str, int, int, int, list)
            epoch, wanted = places[name]
            if previous >= wanted:
                conversation.throw(ConnectionError("frames are missing"))  # which ends the link alone [MSG-4]
                continue
            for offset in range(max(base, wanted), base + len(records)):  # [MSG-2]
                places[name] = epoch, offset + 1  # [MSG-3]
                yield name, f"{epoch}:{offset}", decode(records[offset - base], bytes)[0]
        elif kind == GAP:
            name, epoch, first, last, reason = decode(body, str, str, int, int, int)
            if last >= places[name][1]:  # [GAP-2]
                places[name] = epoch, last + 1
                yield name, "gap", f"{first} to {last} {GAP_REASONS[reason]}"

def publish(address, topic, texts):
    """Publishes a batch, once however often the link breaks, and returns the position of each record. [PUB-6]"""
    records = [encode(text, random.randbytes(16)) for text in texts]
    for kind, body in converse(address, lambda: (PUBLISH, 1, topic, records)):
        if kind == ACK:
            _, epoch, base, results = decode(body, int, str, int, list)
            offsets = [decode(result, int)[0] for result in results] or range(base, base + len(records))  # [PUB-5]
            return [f"{epoch}:{offset}" for offset in offsets]

if __name__ == "__main__":
    match sys.argv[1:]:
        case [host, port, "pub", topic, *texts] if texts:
            print(*publish((host, port), topic, texts), sep="\n")
        case [host, port, "sub", topic, start] if re.fullmatch(r"latest|earliest|.+:\d+", start):
            epoch, _, offset = start.rpartition(":")
            places = {topic: (epoch, int(offset))} if epoch else {}
            for event in subscribe((host, port), topic, LATEST if start == "latest" else EARLIEST, places):
                print(*(part if isinstance(part, str) else part.decode(errors="replace") for part in event), flush=True)
        case _:
            sys.exit(__doc__)
