# py-timod has a name in an annotation that it imports for type checkers only. Python 3.14 does not look at annotations;
# before, the name has to be somewhere. Nothing else about the package is touched.
import asyncio, builtins, os, sys
from importlib.metadata import version

builtins.TiHandler = object
import timod

del builtins.TiHandler


class Handler(timod.TiHandler):
    def __init__(self):
        self.conf, self.waiting = None, {}

    async def on_error(self, error):
        print("on_error:", type(error).__name__, file=sys.stderr)

    async def on_config(self, data):
        if data.get("fail"):
            raise timod.LookupError("no such conf")
        if data.get("crash"):
            1 / 0
        self.conf = data

    async def on_request(self, data):
        act = data["act"]
        if act == "conf":
            return self.conf
        if act == "version":
            return version("py-timod")
        if act == "echo":
            return data.get("arg")
        if act == "large":
            return "x" * data["arg"]
        if act == "custom":
            raise timod.CustomError(-101, "custom")
        if act == "value":
            raise timod.ValueError("no such value")
        if act == "crash":
            1 / 0
        if act == "wait":
            self.waiting[data["arg"]] = asyncio.get_running_loop().create_future()
            return await self.waiting[data["arg"]]
        if act == "release":
            self.waiting.pop(data["arg"]).set_result("released")
            return len(self.waiting)
        raise KeyError(act)


timod.start_module("peer", Handler())
