"""Makes vibration.wb: a second of a machine that vibrates, 48 000 points in a wavelet buffer.

With wavelet-buffer 0.7.1 and numpy 1.26.4:  python make.py
It prints what `src/recorded.rs` says of it: the signal as it is read back, not as it was.
"""

from pathlib import Path

import numpy as np
from wavelet_buffer import WaveletBuffer, WaveletType, denoise

POINTS = 48_000
STEPS = 7
COMPRESSION = 16
THRESHOLD = 0.05

time = np.arange(POINTS) / POINTS
knock = np.exp(-(time % 0.02) / 0.003)
signal = (
    0.8 * np.sin(2 * np.pi * 50 * time)
    + 0.25 * np.sin(2 * np.pi * 1230 * time + 0.4)
    + 0.1 * knock * np.sin(2 * np.pi * 5200 * time)
    + 0.02 * np.random.default_rng(1630062869443).standard_normal(POINTS)
).astype(np.float32)

buffer = WaveletBuffer([POINTS], 1, STEPS, WaveletType.DB3)
buffer.decompose(signal, denoise.Threshold(0, THRESHOLD))
blob = buffer.serialize(compression_level=COMPRESSION)
Path(__file__).with_name("vibration.wb").write_bytes(blob)

read = WaveletBuffer.parse(blob).compose()
print(f"{len(blob)} bytes, {read.size} points, version {blob[0]}")
told = {"first": read[0], "last": read[-1], "min": read.min(), "max": read.max(), "mean": np.float32(read.mean(dtype=np.float64))}
print(", ".join(f"{name}: {value!s}" for name, value in told.items()))
print(f"the largest difference to the signal is {np.abs(read - signal).max():.3f}")
