import asyncio
from importlib.metadata import version
import siridb.connector
from siridb.connector import SiriDBClient, SiriDBConn, async_connect
from siridb.connector.lib import protomap

# Only to make a failure of what would hang.
LIMIT = 60
HOST = "127.0.0.1"
USER = ("iris", "siri", "dbtest")

POINTS = {
    "series-001": [[1471254705, 1.5], [1471254707, -3]],
    "series-002": [[1471254705, "text"], [2**62, ""], [-1, 0.0]],
    "größe": [[0, 2**63 - 1], [1, -2**63]],
}


async def refused(awaitable):
    try:
        return {"no error": repr(await awaitable)}
    except Exception as error:
        return [type(error).__name__, str(error)]


async def talk(request):
    port, out = request["port"], {}
    connect = lambda *user: async_connect(*user, host=HOST, port=port, timeout=LIMIT)
    out["wrong password"] = await refused(connect("iris", "wrong", "dbtest"))
    out["wrong database"] = await refused(connect("iris", "siri", "nowhere"))
    connection = await connect(*USER)
    send = connection._protocol.send_package
    out["insert"] = await connection.insert(POINTS)
    out["insert a list"] = await connection.insert([{"name": "series-001", "points": [[1471254709, 4]]}])
    out["insert nothing"] = await refused(connection.insert({}))
    out["query"] = await connection.query('select * from "series-001"')
    out["same"] = [
        await connection.query('select * from "%s"' % name) == {name: POINTS[name]} for name in ("series-002", "größe")
    ]
    out["precisions"] = [
        await connection.query("precision", time_precision=precision)
        for precision in (None, siridb.connector.SECOND, siridb.connector.MILLISECOND,
                          siridb.connector.MICROSECOND, siridb.connector.NANOSECOND)
    ]
    held = [connection.query("hold %d" % number) for number in range(20)]
    out["held"] = await asyncio.gather(*held, connection.query("release"))
    out["errors"] = [await refused(connection.query("error %d" % kind)) for kind in range(64, 76)]
    text = "x" * request["large"]
    out["large"] = await connection.query("echo " + text) == {"echo": text}
    # What the interface for its users does not send.
    out["ping"] = await send(protomap.CPROTO_REQ_PING)
    files = [protomap.CPROTO_REQ_FILE_SERVERS, protomap.CPROTO_REQ_FILE_USERS, protomap.CPROTO_REQ_FILE_GROUPS]
    out["files"] = [bytes(await send(kind)).hex() for kind in files]
    out["register"] = await send(protomap.CPROTO_REQ_REGISTER_SERVER, data=(b"\x00" * 16, "siridb.local", 9010, 0))
    # Over the end of the counter.
    connection._protocol._pid = 65533
    out["ids"] = [await connection.query("id") for _ in range(5)]
    connection.close()
    return out


# The other two clients of the package.
async def others(request):
    port, out = request["port"], {}
    one = SiriDBConn(*USER, server=HOST, port=port)
    # Authenticates, then pings.
    out["connect"] = await one.connect(timeout=LIMIT)
    out["insert"] = await one.insert({"a": [[1, 2]]})
    out["query"] = await one.query('select * from "a"')
    out["dropped"] = await refused(asyncio.wait_for(one.query("drop once", timeout=LIMIT), LIMIT))
    one.close()
    await one.wait_closed()
    pool = SiriDBClient(*USER, [(HOST, port)], keepalive=False)
    out["pool"] = await pool.connect(timeout=LIMIT)
    out["pool query"] = await pool.query('select * from "a"')
    pool.close()
    return out


# Without asyncio on the outside. Its futures belong to the loop that is set, so it has to be that one.
def blocking(request):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    connection = siridb.connector.connect(*USER, host=HOST, port=request["port"], loop=loop, timeout=LIMIT)
    out = {
        "insert": connection.insert({"b": [[1, 2]]}),
        "query": connection.query('select * from "b"'),
        "file": bytes(connection._get_file("servers.dat")).hex(),
    }
    connection.close()
    loop.run_until_complete(asyncio.sleep(0))
    return out


def run(scenario):
    async def limited(request):
        return await asyncio.wait_for(scenario(request), LIMIT)

    return lambda request: asyncio.run(limited(request))


serve({
    "version": lambda request: {"version": version(request["package"])},
    "talk": run(talk),
    "others": run(others),
    "blocking": blocking,
})
