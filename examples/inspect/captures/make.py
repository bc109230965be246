"""Makes the sixteen captures that Python writes: `python make.py FOLDER`.

It needs the packages qpack 0.0.21 with its C extension, msgpack-numpy 0.4.8 with msgpack and numpy, karabo-bridge 0.7.0,
drift-protocol 0.6.0, drift-bytes 0.3.0 and wavelet-buffer 0.7.1. The same versions write the same bytes.
"""

import json
import math
import pathlib
import sys

import drift_bytes
import drift_bytes._drift_bytes  # Matrices are made there only.
import msgpack
import msgpack_numpy
import numpy as np
import qpack
import qpack._qpack  # Fails where the C extension is missing: the fallback packs some integers longer.
from drift_protocol.common import DataPayload, DriftPackage, StatusCode
from drift_protocol.meta import ImageInfo, MetaInfo
from drift_protocol.trigger_service import IntervalTriggerMessage
from karabo_bridge import serialize
from wavelet_buffer import WaveletBuffer, WaveletType
from wavelet_buffer.denoise import Threshold

# What `select * from "sensor-001", "räume/büro" after ...` brings back, and how long it took: times in milliseconds;
# a series of doubles, one of integers, one of text.
ANSWER = {
    "sensor-001": [
        [1500000000000, 21.5],
        [1500000060000, -0.25],
        [1500000120000, 1.0],
        [1500000180000, 0.0],
        [1500000240000, -1.0],
        [1500000300000, 3.141592653589793],
    ],
    "räume/büro": [[1500000000000, 64], [1500000060000, -60], [1500000120000, -61], [1500000180000, 40000]],
    "log": [[1500000000000, "dörr: 20 °C → 21 °C"], [1500000060000, "line one\nline two\t\"quoted\""]],
    "blob": [[1500000000000, bytes(range(248, 256)) + bytes(16)]],
    "flags": [True, False, None, [], {}],
    "__timeit__": [{"server": "siridb01:9010", "time": 0.000244140625}],
}

# Points to insert, by series.
INSERT = {
    "sensor-001": [[1500000360000, 22.75], [1500000420000, 22.5]],
    "räume/büro": [[1500000360000, 9007199254740993]],
}

# What a sensor says of itself, and what it reads: tag, time, value. At first its clock was not set; and one reading has no
# time, which is printed as Python prints that.
SENSOR = ["Weather mast 2, räume/büro", "", "float", "stream"]
READINGS = [
    ("outdoor/temperature", 12, -3.25),
    ("räume/büro °C", 1760000000, 21.5),
    ("leak rate", 1760000001, 1.7e-08),
    ("pressure", 1760000002, 101325.0),
    ("wind", None, 4.5),
    ("wind", 1760000004, float("nan")),
    ("pulses", 1760000005, 1e16),
    ("offset", 1760000006, -0.0),
]
LINES = ["$H|" + "|".join(SENSOR), "$P", *(f">{tag}|{time}|{value}" for tag, time, value in READINGS), "$P"]

# What a camera at a beamline sends for one pulse: the image in network order, a spectrum with a dead channel, the spots that
# were found, and settings as what Python has for numbers. The temperature is an array without axes.
PULSE = {
    "pulse": 1760000000123,
    "image": np.array([[0, 1, 2, 1], [3, 57, 4096, 12], [1, 65535, 300, 2]], ">u2"),
    "spectrum": np.array([0.1, 1.5, np.nan, 1e-7, 3e38], "<f4"),
    "spots": np.array([(1.5, 0.25, 4097), (2.0, 2.75, 65535)], [("x", "<f4"), ("y", "<f4"), ("intensity", "<u4")]),
    "exposure": np.float32(0.004),
    "scattering factor": 14.0 - 0.5j,
    "temperature": np.array(293.15),
}

# Two sources of a train: a few cells of a detector, and a monitor of the beam. The image has what is told of one beside it.
DETECTOR, MONITOR = "SPB_DET_AGIPD1M-1/DET/0CH0:xtdf", "SPB_XTD9_XGM/DOOCS/MAIN"
TRAIN = {
    DETECTOR: {
        "header.pulseCount": np.uint64(3),
        "image.data": np.array([[[17, 4096], [65535, 0]], [[18, 4097], [2, 1]], [[16, 4095], [3, 9]]], "uint16"),
        "image.encoding": "GRAY",
        "image.bitsPerPixel": 16,
        "image.dimensions": [3, 2, 2],
        "image.pulseId": np.array([0, 4, 8], "uint64"),
    },
    MONITOR: {
        "pulseEnergy.photonFlux.value": 1175.25,
        "data.intensityTD": np.array([812.5, 790.25, np.nan], ">f4"),
        "sources": ["SPB_XTD9_XGM", "räume/büro"],
    },
}


def metadata(tid):
    """Of both sources, for a train of 2018: its tenths of a second count from the one that has the number 10000000000."""
    sec, tenths = divmod(tid - 10000000000, 10)
    time = {"timestamp": 1526464869 + sec + tenths / 10, "timestamp.sec": str(1526464869 + sec)}
    time["timestamp.frac"] = str(tenths).ljust(18, "0")
    return {source: {"source": source, **time, "timestamp.tid": tid} for source in TRAIN}


def frames(parts):
    """Parts of a message as a publisher puts them on the wire, each behind a frame header of ZMTP 3."""
    wire = b""
    for index, part in enumerate(map(bytes, parts)):
        more = index + 1 < len(parts)
        wire += bytes([more, len(part)]) if len(part) < 256 else bytes([2 | more]) + len(part).to_bytes(8, "big")
        wire += part
    return wire


# What a camera sent in 2018, in version 2.1.
vectors = pathlib.Path(__file__).parents[3] / "crates/karabo-bridge/tests/vectors/karabo_bridge.jsonl"
(camera,) = (line for line in map(json.loads, vectors.open()) if line["name"] == "v21_karabo_camera")
CAMERA = [bytes.fromhex(part) for part in camera["parts_hex"]]

# The last train lost a byte of its last array.
CUT = serialize(TRAIN, metadata(10000000002))
CUT[-1] = bytes(CUT[-1])[:-1]

# What services of a factory send for one trigger: in packages of Drift that have its id, the milliseconds of its time.
TRIGGERED = 1_700_000_000_250


def package(after, status=StatusCode.GOOD):
    """One that was sent so many nanoseconds after the trigger, and asked for ten milliseconds before."""
    made = DriftPackage(id=TRIGGERED, status=status)
    made.source_timestamp.FromNanoseconds(TRIGGERED * 10**6 + after - 10**7)
    made.publish_timestamp.FromNanoseconds(TRIGGERED * 10**6 + after)
    return made


def add(made, message):
    made.data.add().Pack(message)
    return made


def buffer(signal, shape, steps, compression):
    """A wavelet buffer with a signal for each channel. Small coefficients become 0, so that it is small."""
    signal = np.array(signal, "float32")
    made = WaveletBuffer(shape, signal.size // math.prod(shape), steps, WaveletType.DB3)
    made.decompose(signal, Threshold(0, 0.05))
    return made.serialize(compression)


def wavelet(info, steps, compression):
    info.abi_version, info.wavelet_type, info.decomposition_steps, info.float_compression = 3, 3, steps, compression
    info.threshold_denoising.b = 0.05


def series(info, signal):
    """It lasts a second, up to the trigger."""
    info.start_timestamp.FromMilliseconds(TRIGGERED - 1000)
    info.stop_timestamp.FromMilliseconds(TRIGGERED)
    info.size, info.first, info.last = len(signal), signal[0], signal[-1]
    info.min, info.max, info.mean = min(signal), max(signal), math.fsum(signal) / len(signal)


def arc(index, period):
    """Of parabolas, nearly as a sine: with nothing but exact arithmetic, it is the same everywhere."""
    half, place = divmod(index, period // 2)
    return (1 - 2 * (half % 2)) * 16 * place * (period // 2 - place) / period**2


# A vibration of 50 Hz, of which every fifth turn is larger.
SIGNAL = [arc(index, 960) * (0.75 if index // 960 % 5 == 4 else 0.5) + 0.125 for index in range(48_000)]

trigger = package(1_500_000)
interval = IntervalTriggerMessage()
interval.start_timestamp.FromMilliseconds(TRIGGERED - 1000)
interval.stop_timestamp.FromMilliseconds(TRIGGERED)
add(trigger, interval)

vibration = package(52_123_456_789)
vibration.meta.type = MetaInfo.TIME_SERIES
series(vibration.meta.time_series_info, SIGNAL)
wavelet(vibration.meta.wavelet_buffer_info, 9, 16)
add(vibration, DataPayload(data=buffer(SIGNAL, [len(SIGNAL)], 9, 16)))
for key, value in [("machine", "press 3"), ("räume/büro", "7"), ("machine", "spare")]:
    vibration.labels.add(key=key, value=value)

# Red from left to right, green from top to bottom, blue everywhere.
PICTURE = [[[x / 15 for x in range(16)] for _ in range(16)], [[y / 15] * 16 for y in range(16)], [[0.5] * 16] * 16]
image = package(61_000_000)
image.meta.type = MetaInfo.IMAGE
info = image.meta.image_info
info.type, info.width, info.height, info.channel_layout = ImageInfo.WB, 16, 16, "RGB"
wavelet(image.meta.wavelet_buffer_info, 1, 16)
add(image, DataPayload(data=buffer(PICTURE, [16, 16], 1, 16)))

# Values of a machine: the fourth was not read in time, and has a place all the same.
VALUES = [
    ("running", StatusCode.GOOD, drift_bytes.Variant(True)),
    ("speed", StatusCode.GOOD, drift_bytes.Variant(1480.5)),
    ("counts", StatusCode.GOOD, drift_bytes.Variant([3, -1, 1 << 53], "int64")),
    ("temperature", StatusCode.BAD_DATA_READ_TIMEOUT, drift_bytes.Variant(None)),
    ("parts", StatusCode.GOOD, drift_bytes.Variant(["gear", "räder"])),
    ("pressure", StatusCode.UNCERTAIN, drift_bytes.Variant([0.1, float("nan")], "float32")),
]
typed = package(40_000_000)
typed.meta.type = MetaInfo.TYPED_DATA
out = drift_bytes.OutputBuffer()
for name, status, value in VALUES:
    typed.meta.typed_data_info.items.add(name=name, status=status)
    out.push(value)
add(typed, DataPayload(data=out.bytes()))

# A short series, and a text, in one.
aligned = package(90_000_000)
aligned.meta.type = MetaInfo.ALIGNED_PACKAGE
for topic in ["microphone", "shift-log"]:
    aligned.meta.alignment_info.packages.add(topic=topic)
microphone, log = (one.meta for one in aligned.meta.alignment_info.packages)
microphone.type = MetaInfo.TIME_SERIES
series(microphone.time_series_info, [arc(index, 16) for index in range(64)])
add(aligned, DataPayload(data=buffer([arc(index, 16) for index in range(64)], [64], 0, 0)))
log.type, log.text_info.mime_type = MetaInfo.TEXT, "text/plain;charset=UTF-8"
add(aligned, DataPayload(data="Lärm an Presse 3\n".encode()))

failed = package(5_000_000_000, StatusCode.BAD_DATA_READ_TIMEOUT)

# Typed values alone, one of each width, a matrix among them.
matrix = drift_bytes._drift_bytes.Variant.from_uint16s([2, 3], [1, 2, 3, 40000, 50000, 65535])
values = drift_bytes.OutputBuffer()
for value in [*(value for _, _, value in VALUES), drift_bytes.Variant(-7, "int8"), drift_bytes.Variant(2**64 - 1, "uint64")]:
    values.push(value)
values._buffer.push(matrix)

# Records of ATLAS Advanced Streams: golden vectors of crates/atlas-stream, all of one stream but the last, as a consumer of Kafka
# prints them. Protobuf is in base64 there as it is here.
vectors = pathlib.Path(__file__).parents[3] / "crates/atlas-stream/tests/vectors/atlas.jsonl"
ATLAS = {int(line["id"].removeprefix("atlas-")): line for line in map(json.loads, vectors.open(encoding="utf-8"))}

# Announced, opened, data in several forms, closed.
RUN = [1, 6, 5, 22, 48, 23, 28, 36, 42, 40, 44, 61, 64, 66, 57, 58, 55, 7, 8, 2]
# One of somebody else; no JSON; a column too short, which in protobuf is cut; an unknown trigger that is none; and a good one.
BAD = [48, 74, 81, 95, 149, 122, 112, 44]


def records(numbers):
    """A line each: key, TAB, value."""
    lines = []
    for line in map(ATLAS.get, numbers):
        prefix = "base64:" if line.get("encoding") == "base64" else ""
        lines.append(f"{line['key']}\t{prefix}{line['value'] or ''}\n")
    return "".join(lines).encode()


folder = pathlib.Path(sys.argv[1])
(folder / "siridb-answer.qpack").write_bytes(qpack.packb(ANSWER))
(folder / "siridb-insert.qpack").write_bytes(qpack.packb(INSERT))
(folder / "datakit-sensor.txt").write_bytes("".join(line + "\n" for line in LINES).encode())
(folder / "beamline.msgpack").write_bytes(msgpack.packb(PULSE, default=msgpack_numpy.encode))
(folder / "karabo-trains.zmtp").write_bytes(
    frames(serialize({MONITOR: TRAIN[MONITOR]}, metadata(10000000000), protocol_version="1.0"))
    + frames(serialize(TRAIN, metadata(10000000001)))
    + frames(CAMERA)
    + frames([b"Error: bad request Next"])
)
(folder / "karabo-cut.zmtp").write_bytes(frames(CUT))
for name, made in [
    ("trigger", trigger),
    ("vibration", vibration),
    ("image", image),
    ("typed", typed),
    ("aligned", aligned),
    ("failed", failed),
]:
    (folder / f"drift-{name}.dp").write_bytes(made.SerializeToString())
(folder / "values.drift-bytes").write_bytes(values.bytes())
(folder / "atlas-run.tsv").write_bytes(records(RUN))
# And what is no record at all.
(folder / "atlas-bad.tsv").write_bytes(records(BAD) + b"x-blob:7c1e0a52\tbase64:3q2-7w==\nno key\n")
(folder / "0ec63347ffc5.json").write_bytes(ATLAS[69]["value"].encode())
