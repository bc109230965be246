import random, socket, threading
from importlib.metadata import version
import msgpack
from thingsdb.client.package import Package
from thingsdb.client.protocol import Proto

TOKEN = "x" * 22
ROOM = {"scope": "@collection:stuff", "id": 5}
seen = []


# One connection after the other.
def listen(request):
    listener = socket.create_server(("127.0.0.1", 0))
    cut = random.Random(request["seed"]) if request["torn"] else None

    def accept():
        while True:
            connection = listener.accept()[0]
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                talk(connection, cut)
            finally:
                connection.close()

    threading.Thread(target=accept, daemon=True).start()
    return {"port": listener.getsockname()[1]}


def package(pid, kind, *data):
    body = b"".join(msgpack.packb(value, use_bin_type=True) for value in data)
    return Package.st_package.pack(len(body), pid, kind, kind ^ 0xFF) + body


def talk(connection, cut):
    buffer, held = bytearray(), []

    def send(*packages):
        data = b"".join(packages)
        while data:
            end = cut.randint(1, 7) if cut else len(data)
            connection.sendall(data[:end])
            data = data[end:]

    while True:
        while len(buffer) < 8 or len(buffer) < Package(buffer).total:
            data = connection.recv(65536)
            if not data:
                assert not buffer
                return
            buffer.extend(data)
        found = Package(buffer)
        assert found.tp ^ found.checkbit == 0xFF
        found.extract_data_from(buffer)
        pid, kind, data = found.pid, found.tp, found.data
        seen.append([pid, kind, data])
        if kind == Proto.REQ_PING:
            send(package(pid, Proto.RES_PING))
        elif kind == Proto.REQ_AUTH:
            if data == ["admin", "pass"] or data == TOKEN:
                send(package(pid, Proto.RES_OK))
            else:
                send(package(pid, Proto.RES_ERROR, {"error_code": -56, "error_msg": "invalid username or password"}))
        elif kind == Proto.REQ_RUN:
            send(package(pid, Proto.RES_DATA, data[1:]))
        elif kind == Proto.REQ_JOIN:
            ids = [5 if room in (5, "chat") else None for room in data[1:]]
            send(package(pid, Proto.RES_DATA, ids), *[package(65535, Proto.ON_ROOM_JOIN, ROOM) for id in ids if id])
        elif kind == Proto.REQ_LEAVE:
            send(package(65535, Proto.ON_ROOM_LEAVE, ROOM), package(pid, Proto.RES_DATA, data[1:]))
        elif kind in (Proto.REQ_EMIT, Proto.REQ_EMIT_PEER):
            emitted = {**ROOM, "event": data[2], "args": data[3:]}
            send(package(65535, Proto.ON_ROOM_EMIT, emitted), package(pid, Proto.RES_OK))
        elif kind == Proto.REQ_QUERY:
            code = data[1]
            if code == "1 + 1;":
                send(package(pid, Proto.RES_DATA, 2))
            elif code == "x;":
                send(package(pid, Proto.RES_DATA, data[2]["x"]))
            elif code == "fail;":
                send(package(pid, Proto.RES_ERROR, {"error_code": -54, "error_msg": "thing not found"}))
            elif code == "hold;":
                held.append(package(pid, Proto.RES_DATA, data[2]["x"]))
            elif code == "release;":
                send(package(pid, Proto.RES_DATA, len(held)), *reversed(held))
            elif code == "events;":
                send(
                    # With the very ID of the request.
                    package(pid, Proto.ON_WARN, {"warn_code": 2, "warn_msg": "hello"}),
                    package(65535, Proto.ON_NODE_STATUS, {"id": 0, "status": "AWAY"}),
                    package(pid, 99, "odd"),
                    package(65535, Proto.ON_ROOM_DELETE, ROOM),
                    package(pid, Proto.RES_DATA, None),
                )
            elif code == "drop;":
                return


serve({
    "version": lambda request: {"version": version(request["package"])},
    "listen": listen,
    "seen": lambda request: {"seen": seen},
})
