# A node by hand, on standard input and output, from the table of the packages alone. What it found goes to standard error.
import json, os, random, struct, sys
import msgpack

HEADER = struct.Struct("<IHBB")
CUT = random.Random(1)


def package(pid, kind, data):
    body = msgpack.packb(data)
    return HEADER.pack(len(body), pid, kind, kind ^ 0xFF) + body


def write(*packages, torn=False):
    data = b"".join(packages)
    while data:
        data = data[os.write(1, data[: CUT.randint(1, 7) if torn else len(data)]) :]


def read(count):
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def receive():
    length, pid, kind, check = HEADER.unpack(read(8))
    assert kind ^ check == 0xFF
    return [pid, kind, *([msgpack.unpackb(read(length))] if length else [])]


def request(pid, act, arg=None, torn=False):
    return package(pid, 80, {"module": "ours", "act": act, "deep": 2, "load": True, "arg": arg})


out = {}
write(request(0, "echo", "before"))
out["before"] = receive()
write(package(0, 64, {"fail": True}))
out["denied"] = receive()
write(package(0, 64, {"fail": "why"}))
out["denied with a reason"] = receive()
write(package(0, 64, {"lang": "nl"}), torn=True)
out["accepted"] = receive()
nested = {"a": [1, -1, 2.5, None, True, "é€😀", {"b": []}]}
write(request(1, "echo", nested), request(2, "custom"), request(65535, "wait"), request(0, "release"), torn=True)
out["answers"] = [receive() for _ in range(4)]
large = "x" * 300_000
write(request(3, "echo", large))
out["large"] = receive() == [3, 81, large]
# The same number twice.
write(request(7, "echo", 1), request(7, "echo", 2))
out["twice"] = [receive(), receive()]
os.close(1)
try:
    receive()
except EOFError:
    out["end"] = True
json.dump(out, sys.stderr)
