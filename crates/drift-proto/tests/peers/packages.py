# Makes, describes and builds packages with drift-protocol. A description is JSON: floats are their bits, numbers of 64 bits are texts.
import math
import random
import struct

from google.protobuf import any_pb2
from google.protobuf.internal import api_implementation
from drift_protocol.common import DataPayload, DriftPackage
from drift_protocol.meta import MetaInfo
from drift_protocol.trigger_service import IntervalTriggerMessage, TriggerMessage

assert api_implementation.Type() == "python"

GOOGLE = "type.googleapis.com/"
KINDS = {
    "payload": (DataPayload, "drift.proto.common.DataPayload"),
    "trigger": (TriggerMessage, "drift.proto.trigger_service.TriggerMessage"),
    "interval": (IntervalTriggerMessage, "drift.proto.trigger_service.IntervalTriggerMessage"),
}
FLOATS = ["first", "last", "min", "max", "mean"]
WAVELET = ["abi_version", "wavelet_type", "decomposition_steps", "float_compression"]
INFOS = ["time_series_info", "image_info", "scalar_info", "text_info", "alignment_info", "typed_data_info"]


# Messages to descriptions.

def bits(value):
    """Of zeros and of NaNs this runtime keeps one each."""
    return "nan" if value != value else struct.pack(">f", value or 0.0).hex()


def stamp(message, field):
    found = getattr(message, field)
    return [str(found.seconds), found.nanos] if message.HasField(field) else None


def names(items):
    return [[item.name, item.status] for item in items]


def describe_wavelet(info):
    which = info.WhichOneof("denoising")
    denoising = which and {which: [bits(value) for value in {
        "no_denoising": lambda one: [],
        "threshold_denoising": lambda one: [one.a, one.b],
        "partial_denoising": lambda one: [one.partial],
    }[which](getattr(info, which))]}
    return {"numbers": [getattr(info, name) for name in WAVELET], "denoising": denoising}


def describe_meta(meta):
    which = meta.WhichOneof("info")
    info = which and {which: {
        "time_series_info": lambda one: {
            "start": stamp(one, "start_timestamp"), "stop": stamp(one, "stop_timestamp"), "size": str(one.size),
            "floats": [bits(getattr(one, name)) for name in FLOATS]},
        "image_info": lambda one: [one.type, str(one.width), str(one.height), one.channel_layout],
        "scalar_info": lambda one: names(one.variables),
        "text_info": lambda one: one.mime_type,
        "alignment_info": lambda one: [
            [package.topic, describe_meta(package.meta) if package.HasField("meta") else None]
            for package in one.packages],
        "typed_data_info": lambda one: names(one.items),
    }[which](getattr(meta, which))}
    wavelet = describe_wavelet(meta.wavelet_buffer_info) if meta.HasField("wavelet_buffer_info") else None
    return {"type": meta.type, "info": info, "wavelet": wavelet}


def describe_any(part, parse):
    found = None
    for kind, (message, _) in KINDS.items():
        if part.Is(message.DESCRIPTOR):
            try:
                one = parse(message, part.value)
            except Exception:
                found = "error"
                break
            found = {kind: {
                "payload": lambda: {"shape": list(one.shape), "data": one.data.hex()},
                "trigger": lambda: stamp(one, "timestamp"),
                "interval": lambda: [stamp(one, "start_timestamp"), stamp(one, "stop_timestamp")],
            }[kind]()}
    return {"url": part.type_url, "value": part.value.hex(), "as": found}


def from_string(message, data):
    return message.FromString(data)


def describe(package, parse=from_string):
    return {
        "id": str(package.id), "status": package.status,
        "source": stamp(package, "source_timestamp"), "publish": stamp(package, "publish_timestamp"),
        "data": [describe_any(part, parse) for part in package.data],
        "meta": describe_meta(package.meta) if package.HasField("meta") else None,
        "labels": [[label.key, label.value] for label in package.labels],
    }


# Descriptions to messages.

def number(text):
    return math.nan if text == "nan" else struct.unpack(">f", bytes.fromhex(text))[0]


def set_stamp(message, field, told):
    if told is not None:
        made = getattr(message, field)
        made.SetInParent()
        made.seconds, made.nanos = int(told[0]), told[1]


def set_names(items, told):
    for name, status in told:
        items.add(name=name, status=status)


def build_meta(meta, told):
    meta.SetInParent()
    meta.type = told["type"]
    for which, one in (told["info"] or {}).items():
        info = getattr(meta, which)
        info.SetInParent()
        if which == "time_series_info":
            set_stamp(info, "start_timestamp", one["start"])
            set_stamp(info, "stop_timestamp", one["stop"])
            info.size = int(one["size"])
            for name, value in zip(FLOATS, one["floats"]):
                setattr(info, name, number(value))
        elif which == "image_info":
            info.type, info.width, info.height, info.channel_layout = one[0], int(one[1]), int(one[2]), one[3]
        elif which == "text_info":
            info.mime_type = one
        elif which == "alignment_info":
            for topic, inner in one:
                package = info.packages.add(topic=topic)
                if inner is not None:
                    build_meta(package.meta, inner)
        else:
            set_names(info.variables if which == "scalar_info" else info.items, one)
    if told["wavelet"] is not None:
        info = meta.wavelet_buffer_info
        info.SetInParent()
        for name, value in zip(WAVELET, told["wavelet"]["numbers"]):
            setattr(info, name, value)
        for which, floats in (told["wavelet"]["denoising"] or {}).items():
            denoising = getattr(info, which)
            denoising.SetInParent()
            for name, value in zip(["partial"] if which == "partial_denoising" else ["a", "b"], floats):
                setattr(denoising, name, number(value))


def build_inner(told):
    (kind, one), = told.items()
    made = KINDS[kind][0]()
    if kind == "payload":
        made.shape.extend(one["shape"])
        made.data = bytes.fromhex(one["data"])
    elif kind == "trigger":
        set_stamp(made, "timestamp", one)
    else:
        set_stamp(made, "start_timestamp", one[0])
        set_stamp(made, "stop_timestamp", one[1])
    return made


def build(told):
    package = DriftPackage(id=int(told["id"]), status=told["status"])
    set_stamp(package, "source_timestamp", told["source"])
    set_stamp(package, "publish_timestamp", told["publish"])
    for one in told["data"]:
        part = package.data.add()
        if isinstance(one["as"], dict) and one["url"].startswith(GOOGLE):
            part.Pack(build_inner(one["as"]))
        else:
            part.type_url, part.value = one["url"], bytes.fromhex(one["value"])
    if told["meta"] is not None:
        build_meta(package.meta, told["meta"])
    for key, value in told["labels"]:
        package.labels.add(key=key, value=value)
    return package


# Random descriptions.

I64 = [0, 1, -1, 127, 128, 2**31, 2**53, 2**63 - 1, -2**63, 1_700_000_000_000]
I32 = [0, 1, 5, 999_999_999, -1, 1_500_000_000, 2**31 - 1, -2**31]
STATUS = [0, 256, 257, 512, 513, 514, 515, 516, 517, 518, 519, 520, 1, 255, 1024, -1, 2**31 - 1, -2**31]
BITS = ["00000000", "3f800000", "bf000000", "7f800000", "ff800000", "nan", "00000001", "7f7fffff", "3dcccccd"]


def any_text(rng):
    return "".join(rng.choice("aZ0./ \u00e9\u20ac\U0001f600\x00") for _ in range(rng.choice([0, 1, 4, 9, 130])))


def any_stamp(rng):
    return rng.choice([None, [str(rng.choice(I64)), rng.choice(I32)], [str(rng.getrandbits(34) - 2**33), rng.randrange(10**9)]])


def any_bits(rng):
    some = struct.pack(">f", rng.uniform(-1e9, 1e9)).hex()
    return rng.choice(BITS + [some, some])


def any_names(rng):
    return [[any_text(rng), rng.choice(STATUS)] for _ in range(rng.choice([0, 1, 2, 7]))]


def any_meta(rng, depth):
    which = rng.choice(INFOS + [None])
    number64 = lambda: str(rng.choice([0, 1, 48000, 2**63, 2**64 - 1]))
    info = which and {which: {
        "time_series_info": lambda: {"start": any_stamp(rng), "stop": any_stamp(rng), "size": number64(),
                                     "floats": [any_bits(rng) for _ in FLOATS]},
        "image_info": lambda: [rng.choice([0, 1, 2, -1]), number64(), number64(), rng.choice(["", "RGB", "HSLGGG", any_text(rng)])],
        "scalar_info": lambda: any_names(rng), "typed_data_info": lambda: any_names(rng),
        "text_info": lambda: rng.choice(["text/plain", any_text(rng)]),
        "alignment_info": lambda: [[any_text(rng), rng.choice([None, any_meta(rng, depth - 1)]) if depth else None]
                                   for _ in range(rng.choice([0, 1, 2, 4]))],
    }[which]()}
    wavelet = None
    if rng.random() < 0.4:
        denoising = rng.choice([None, {"no_denoising": []}, {"threshold_denoising": [any_bits(rng), any_bits(rng)]},
                                {"partial_denoising": [any_bits(rng)]}])
        wavelet = {"numbers": [rng.choice([0, 1, 3, 31, 2**32 - 1]) for _ in WAVELET], "denoising": denoising}
    kind = rng.choice([0, 1, 2, 3, 4, 5, 6, 77, -1, 2**31 - 1])
    return {"type": kind, "info": info, "wavelet": wavelet}


def any_part(rng):
    kind = rng.choice(["payload", "payload", "trigger", "interval", "foreign"])
    if kind == "foreign":
        url = rng.choice([GOOGLE + "google.protobuf.Duration", "", "no slash", "x/y/", "/", GOOGLE + any_text(rng),
                          "drift.proto.common.DataPayload", GOOGLE + "drift.proto.common.DataPayload "])
        return {"url": url, "value": rng.randbytes(rng.choice([0, 1, 9, 200])).hex(), "as": None}
    told = {kind: {
        "payload": lambda: {"shape": [rng.choice([0, 1, 127, 128, 2**32 - 1]) for _ in range(rng.choice([0, 0, 0, 1, 3]))],
                            "data": rng.randbytes(rng.choice([0, 1, 20, 300])).hex()},
        "trigger": lambda: any_stamp(rng),
        "interval": lambda: [any_stamp(rng), any_stamp(rng)],
    }[kind]()}
    url = rng.choice([GOOGLE, GOOGLE, GOOGLE, "/", "a/b/"]) + KINDS[kind][1]
    return {"url": url, "value": build_inner(told).SerializeToString().hex(), "as": told}


def any_package(rng):
    return {
        "id": str(rng.choice(I64 + [rng.getrandbits(64) - 2**63])), "status": rng.choice(STATUS),
        "source": any_stamp(rng), "publish": any_stamp(rng),
        "data": [any_part(rng) for _ in range(rng.choice([0, 1, 1, 1, 2, 4]))],
        "meta": rng.choice([None, any_meta(rng, 4), any_meta(rng, 4), any_meta(rng, 4)]),
        "labels": [[rng.choice(["", "key", any_text(rng)]), any_text(rng)] for _ in range(rng.choice([0, 0, 1, 2, 5]))],
    }


def batch(request):
    rng, out = random.Random(request["seed"]), []
    for _ in range(request["count"]):
        told = any_package(rng)
        data = build(told).SerializeToString()
        assert describe(DriftPackage.FromString(data)) == told, told
        out.append({"told": told, "hex": data.hex()})
    return {"packages": out}


def write(request):
    return {"packages": [build(told).SerializeToString().hex() for told in request["packages"]]}
