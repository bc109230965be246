# The far end of the live tests: karabo-bridge as a server and as a client, and pyzmq without it.
import struct, threading, time
import numpy as np
import zmq
from itertools import islice
from karabo_bridge import Client, ServerInThread
from karabo_bridge.simulation import data_generator

FACTOR = 0x9E3779B97F4A7C15
BLOCK = 1 << 16
POWERS = [1]
for _ in range(BLOCK):
    POWERS.append(POWERS[-1] * FACTOR % 2**64)
WEIGHTS = np.array(POWERS[:BLOCK][::-1], np.uint64)


def checksum(array):
    # Words of eight bytes as coefficients: what is swapped, moved or cut makes another number.
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    missing = -len(data) % 8
    if missing:
        data = np.concatenate([data, np.zeros(missing, np.uint8)])
    words, total = data.view("<u8"), 1
    for start in range(0, len(words), BLOCK):
        block = words[start:start + BLOCK]
        part = int((block * WEIGHTS[BLOCK - len(block):]).sum(dtype=np.uint64))
        total = (total * POWERS[len(block)] + part) % 2**64
    return f"{total:016x}"


def describe(value):
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "shape": list(value.shape), "sum": checksum(value)}
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"f64": struct.pack(">d", value).hex()}
    if isinstance(value, bytes):
        return {"bin": value.hex()}
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, dict):
        return {"map": {key: describe(item) for key, item in value.items()}}
    raise TypeError(f"{type(value)} was not expected")


def properties(of):
    return {key: describe(value) for key, value in of.items()}


def train(data, meta):
    return {name: {"data": properties(data[name]), "meta": properties(meta.get(name, {}))} for name in data}


VALUES = {
    "a.yes": True, "a.nothing": None, "a.small": 7, "a.negative": -200, "a.large": 2**64 - 1, "a.least": -2**63,
    "a.float": 0.1, "a.text": "Größe", "a.bytes": b"\x00\xff", "a.list": [1, 2.5, "x", [False]], "a.map": {"b": [1]},
    "a.swapped": np.array([[1, 2, 70000]], ">i4"), "a.empty": np.zeros((3, 0), "f4"), "a.complex": np.array([1 + 2j]),
}

serving = {}


def make(request):
    found = {}
    trains = []
    for data, meta in islice(data_generator(request["detector"], raw=request["raw"]), request["trains"]):
        if request.get("values"):
            tid = next(iter(meta.values()))["timestamp.tid"]
            data["A/VALUES/1"] = dict(VALUES)
            meta["A/VALUES/1"] = {"source": "A/VALUES/1", "timestamp.tid": tid}
        tid = next(iter(meta.values()))["timestamp.tid"]
        trains.append((data, meta))
        found[str(tid)] = train(data, meta)
    return trains, found


def serve_trains(request):
    trains, found = make(request)
    server = ServerInThread("tcp://127.0.0.1:*", sock=request["sock"], maxlen=1, protocol_version=request["version"])
    server.thread.start()
    stop = threading.Event()

    def feed():
        at = 0
        while not stop.is_set() and (request["again"] or at < len(trains)):
            try:
                server.feed(*trains[at % len(trains)], timeout=0.1)
                at += 1
            except Exception:  # queue.Full
                continue
            if request["sock"] == "PUB":
                time.sleep(0.05)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    serving["it"] = (server, stop, thread)
    return {"endpoint": server.endpoint, "trains": found}


def stop_serving(request):
    server, stop, thread = serving.pop("it")
    stop.set()
    thread.join()
    server.zmq_context.destroy(linger=0)
    return {}


def receive(request):
    with Client(request["endpoint"], sock=request["sock"], timeout=60) as client:
        trains = []
        for _ in range(request["count"]):
            start = time.monotonic()
            data, meta = client.next()
            seconds = time.monotonic() - start
            size = sum(v.nbytes for source in data.values() for v in source.values() if isinstance(v, np.ndarray))
            trains.append({"train": train(data, meta), "seconds": seconds, "bytes": size})
        return {"trains": trains}


def raw(request):
    # Requests as they are, each answered before the next.
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, 60000)
    socket.connect(request["endpoint"])
    answers = []
    for parts in request["requests"]:
        socket.send_multipart([bytes.fromhex(part) for part in parts])
        answers.append([part.hex() for part in socket.recv_multipart()])
    context.destroy(linger=0)
    return {"answers": answers}


serve({"serve": serve_trains, "stop": stop_serving, "receive": receive, "raw": raw})
