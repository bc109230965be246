# Makes, writes and reads typed data with drift-bytes. Of an item: its type, its shape and its values, floats as their bits.
import random
import resource
import struct

import drift_bytes
import drift_bytes._drift_bytes as impl

# It asks for room for whatever is announced.
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))

INTS = {"int8": (-2**7, 2**7), "uint8": (0, 2**8), "int16": (-2**15, 2**15), "uint16": (0, 2**16), "int32": (-2**31, 2**31),
        "uint32": (0, 2**32), "int64": (-2**63, 2**63), "uint64": (0, 2**64)}
FLOATS = {"float32": ">f", "float64": ">d"}
TYPES = ["bool", *INTS, *FLOATS, "string"]


def value_of(kind, told):
    if kind in INTS:
        return int(told)
    return struct.unpack(FLOATS[kind], bytes.fromhex(told))[0] if kind in FLOATS else told


def told_of(kind, value):
    if kind in INTS:
        return str(value)
    return struct.pack(FLOATS[kind], value).hex() if kind in FLOATS else value


def variant(item):
    kind, shape = item["type"], item["shape"]
    if kind == "none" and shape == [0]:
        return impl.Variant.from_none()
    # Without values the type is lost, whatever it is.
    make = getattr(impl.Variant, "from_%ss" % ("int32" if kind == "none" else kind))
    return make(shape, [value_of(kind, told) for told in item["data"]])


def written(items):
    out = impl.OutputBuffer(0)
    for item in items:
        out.push(variant(item))
    return out.bytes().hex()


def described(buffer):
    out = []
    while not buffer.empty():
        one = buffer.pop()
        kind = one.type()
        try:
            data = [] if kind == "none" else [told_of(kind, value) for value in getattr(one, "to_%ss" % kind)()]
        except UnicodeDecodeError:
            data = None
        out.append({"type": kind, "shape": list(one.shape()), "data": data})
    return out


def any_item(rng):
    kind = rng.choice(TYPES)
    shape = rng.choice([[1], [], [rng.randrange(2, 20)], [rng.randrange(1, 4), rng.randrange(1, 4)],
                        [rng.randrange(1, 3) for _ in range(rng.randrange(3, 9))], [0], [2, 0], [0, 3, 4]])
    count = 1
    for axis in shape:
        count *= axis
    if count == 0:
        return {"type": "none", "shape": shape, "data": []}
    if kind in INTS:
        low, high = INTS[kind]
        data = [str(rng.choice([low, high - 1, 0, 1, rng.randrange(low, high)])) for _ in range(count)]
    elif kind == "float64":
        data = [rng.choice(["7ff8000000000000", "fff8dead00000001", "8000000000000000", "fff0000000000000", "0000000000000001",
                            struct.pack(">d", rng.uniform(-9, 9)).hex()]) for _ in range(count)]
    elif kind == "float32":
        data = [rng.choice(["7fc00000", "80000000", "7f800000", "00000001", "7f7fffff", struct.pack(">f", rng.uniform(-9, 9)).hex()])
                for _ in range(count)]
    elif kind == "bool":
        data = [rng.random() < 0.5 for _ in range(count)]
    else:
        data = ["".join(rng.choice("aZ \x00\u00e9\u20ac\U0001f600") for _ in range(rng.choice([0, 1, 5, 40]))) for _ in range(count)]
    return {"type": kind, "shape": shape, "data": data}


def batch(request):
    rng, out = random.Random(request["seed"]), []
    for _ in range(request["count"]):
        items = [any_item(rng) for _ in range(rng.choice([0, 1, 2, 5]))]
        out.append({"items": items, "hex": written(items)})
    return {"buffers": out}


def write(request):
    return {"buffers": [written(items) for items in request["buffers"]]}


def read_one(data):
    try:
        buffer = impl.InputBuffer.from_bytes(data)
    except (RuntimeError, MemoryError, ValueError):
        return None
    return described(buffer)


def read(request):
    return {"buffers": [read_one(bytes.fromhex(told)) for told in request["buffers"]]}


CODES = dict(zip([*INTS, *FLOATS], "bBhHiIqQfd"))


def by_hand(rng, items):
    """Every flag that there is, any truth, and any type where there are no values; and the same with flags of 0 or 1, and type 12."""
    odd, plain = bytes([rng.choice([0, 1, 2, 255]), 0]), b"\x01\x00"
    for item in items:
        kind, shape, flag = item["type"], item["shape"], rng.choice([0, 1, 1, 2, 255])
        order = "<" if flag == 1 else ">"
        body = struct.pack("%sQ%dI" % (order, len(shape)), len(shape), *shape)
        for told in item["data"]:
            if kind == "bool":
                body += bytes([rng.choice([1, 2, 255]) if told else 0])
            elif kind == "string":
                raw = told.encode()
                body += struct.pack(order + "Q", len(raw)) + raw
            elif kind in FLOATS:
                raw = bytes.fromhex(told)
                body += raw[::-1] if order == "<" else raw
            else:
                body += struct.pack(order + CODES[kind], int(told))
        type_id = TYPES.index(kind) if kind != "none" else 12
        odd += bytes([flag, type_id if kind != "none" else rng.choice([0, 5, 11, 12, 13, 99, 255])]) + body
        plain += bytes([order == "<", type_id]) + body
    return odd, plain


def other_order(request):
    rng, out = random.Random(request["seed"]), []
    for _ in range(request["count"]):
        items = [any_item(rng) for _ in range(rng.choice([0, 1, 2, 5]))]
        odd, plain = by_hand(rng, items)
        assert read_one(odd) == items and read_one(plain) == items, items
        out.append({"items": items, "hex": odd.hex(), "plain": plain.hex()})
    return {"buffers": out}


def values(request):
    """As the class on top writes them."""
    out = drift_bytes.OutputBuffer()
    for value, kind in request["values"]:
        out.push(drift_bytes.Variant(value, kind=kind))
    sized = drift_bytes.OutputBuffer(3)
    sized[1] = "x"
    return {"hex": out.bytes().hex(), "sized": sized.bytes().hex()}
