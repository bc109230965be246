import asyncio, logging, random
from importlib.metadata import version
from thingsdb.client import Client
from thingsdb.client.protocol import Protocol
from thingsdb.room import Room, event

# Only to make a failure of what would hang.
LIMIT = 60
HOST = "127.0.0.1"


# WARN and NODE_STATUS come out as log lines only.
class Told(logging.Handler):
    lines = []

    def emit(self, record):
        line = record.getMessage()
        if line.startswith(("ThingsDB:", "Node with Id")):
            self.lines.append(line)


logging.basicConfig(level=logging.DEBUG, handlers=[Told(), logging.StreamHandler()])


# However the kernel joins what was written in pieces, the client gets pieces.
def tear(request):
    cut, received = random.Random(request["seed"]), Protocol.data_received

    def data_received(self, data):
        at = 0
        while at < len(data):
            end = at + cut.randint(1, 7)
            received(self, data[at:end])
            at = end

    Protocol.data_received = data_received
    return {}


async def refused(awaitable):
    try:
        return {"no error": repr(await awaitable)}
    except BaseException as error:
        return [type(error).__module__ + "." + type(error).__qualname__, getattr(error, "error_code", None), str(error)]


VALUES = [
    None, True, False, 0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, -1, -32, -33, -128, -129,
    -32768, -32769, -2**31, -2**31 - 1, -2**63, 0.0, -0.5, 1e300, float("inf"), "", "a" * 31, "a" * 32, "a" * 255,
    "a" * 256, "é€😀", b"", b"\x00\xff", bytes(range(256)), [], [1, [2, [3, []]]], list(range(20)), {},
    {"a": {"b": {"c": []}}}, {str(i): i for i in range(20)},
]


async def talk(request):
    client = Client(auto_reconnect=False)
    await client.connect(HOST, request["port"], timeout=LIMIT)
    out = {}
    # By itself it pings after a reconnect only.
    out["ping"] = await client._ping(timeout=LIMIT)
    out["early"] = await refused(client.query("1 + 1;"))
    out["wrong password"] = await refused(client.authenticate("admin", "wrong", timeout=LIMIT))
    out["wrong token"] = await refused(client.authenticate("y" * 22, timeout=LIMIT))
    out["still early"] = await refused(client.query("1 + 1;"))
    out["auth"] = await client.authenticate(*request["auth"], timeout=LIMIT)
    out["two"] = await client.query("1 + 1;")
    out["sum"] = await client.query("a + b;", a=40, b=2)
    out["scopes"] = [await client.query("scope;"), await client.query("scope;", scope="//stuff")]
    out["changed"] = []
    for value in VALUES + ["x" * request["large"], b"x" * request["large"]]:
        found = await client.query("x;", x=value)
        if type(found) is not type(value) or found != value:
            out["changed"].append([repr(value)[:60], repr(found)[:60]])
    out["errors"] = [
        [code, *await refused(client.query("raise(err(number, text));", number=code, text="text of %d" % code))]
        for code in request["codes"]
    ]
    out["unknown"] = await refused(client.query("no such code"))
    held = [client.query("hold;", x=number) for number in range(50)]
    out["held"] = await asyncio.gather(*held, client.query("release;"))
    # Several large answers at once.
    large = [letter * request["large"] for letter in "abc"]
    found = await asyncio.gather(*[client.query("hold;", x=value) for value in large], client.query("release;"))
    out["held large"] = found == [*large, 3]
    out["run"] = [
        await client.run("answer"), await client.run("add_one", 41), await client.run("sub", 44, 2),
        await client.run("sub", a=44, b=2), await client.run("add_one", 41, scope="//stuff"),
    ]
    out["no procedure"] = await refused(client.run("nope", 1))
    # Over the end of the counter, with an event of ID 65535 before each answer.
    client._protocol._pid = 65532
    out["ids"] = [await client.query("log(id);") for _ in range(5)]
    client.close()
    await client.wait_closed()
    out["told"] = Told.lines
    return out


class Chat(Room):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.notes, self.news = [], asyncio.Event()

    def note(self, *note):
        self.notes.append(list(note))
        self.news.set()

    async def count(self, count):
        while len(self.notes) < count:
            self.news.clear()
            await self.news.wait()

    def on_init(self):
        self.note("init")

    async def on_join(self):
        self.note("join")

    def on_leave(self):
        self.note("leave")

    def on_delete(self):
        self.note("delete")

    def on_emit(self, event, *args):
        self.note("emit", event, *args)

    @event("new-message")
    def on_new_message(self, *args):
        self.note("new-message", *args)


async def connected(request, **kwargs):
    client = Client(**kwargs)
    await client.connect(HOST, request["port"], timeout=LIMIT)
    await client.authenticate("admin", "pass", timeout=LIMIT)
    return client


async def rooms(request):
    anna, bert = [await connected(request, auto_reconnect=False) for _ in range(2)]
    here, there, outside = Chat("chat", scope="//stuff"), Chat(5, scope="@:stuff"), Chat("chat", scope="/c/stuff")
    out = {}
    out["no room"] = [
        await refused(Chat(6, scope="//stuff").join(anna)), await refused(Chat("lost", scope="//stuff").join(anna)),
    ]
    await here.join(anna, wait=LIMIT)
    await there.join(bert, wait=LIMIT)
    out["rooms"] = [[room.id, room.scope] for room in anna.get_rooms() + bert.get_rooms()]
    await here.emit("new-message", "Hello!", 1, None, {"x": [2.5]})
    await here.emit("new-message", "not to myself", peers_only=True)
    await there.emit("other")
    await here.count(4)
    await there.count(5)
    await bert.query('status("AWAY");')
    await anna.query("log(id);")
    await there.leave()
    await there.count(6)
    # From one that is in the room no more, and from one that never was.
    await there.emit("new-message", "after leave")
    await outside.no_join(bert)
    await outside.emit("new-message", "from outside")
    out["no room any more"] = await refused(Chat(6, scope="//stuff").no_join(bert))
    await here.count(6)
    await bert.query('.del("chat");')
    await here.count(7)
    # What else may be on its way comes before this.
    for client in anna, bert:
        await client.query("1 + 1;")
    await asyncio.sleep(0)
    out["here"], out["there"], out["outside"] = here.notes, there.notes, outside.notes
    out["left"] = [len(client.get_rooms()) for client in (anna, bert)]
    out["told"] = sorted(Told.lines)
    for client in anna, bert:
        client.close()
        await client.wait_closed()
    return out


async def reconnect(request):
    client = await connected(request, auto_reconnect=True)
    room = Chat("chat", scope="//stuff")
    await room.join(client, wait=LIMIT)
    out = {}
    # The connection ends behind the answer.
    out["dropped"] = await client.query("drop;")
    await room.count(3)
    await room.emit("new-message", "second")
    await room.count(4)
    # The connection ends instead of the answer: the client asks again by itself.
    out["asked again"] = await client.query("drop once;")
    await room.count(5)
    await room.emit("new-message", "third")
    await room.count(6)
    # The node says that it will end, and the client does not wait for that.
    out["shut down"] = await client.query("shutdown;")
    await room.count(7)
    await room.emit("new-message", "fourth")
    await room.count(8)
    out["notes"] = room.notes
    client.close()
    await client.wait_closed()
    out["told"] = Told.lines
    return out


def run(scenario):
    async def limited(request):
        return await asyncio.wait_for(scenario(request), LIMIT)

    return lambda request: asyncio.run(limited(request))


serve({
    "version": lambda request: {"version": version(request["package"])},
    "tear": tear,
    "talk": run(talk),
    "rooms": run(rooms),
    "reconnect": run(reconnect),
})
