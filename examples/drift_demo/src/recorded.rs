//! A second of a machine that vibrates, as wavelet-buffer 0.7.1 has written it; `recorded/make.py` made it and tells these numbers.

use drift_proto::{Denoising, TimeSeriesInfo, WaveletBufferInfo};

/// The wavelet buffer.
pub const VIBRATION: &[u8] = include_bytes!("../recorded/vibration.wb");

/// Its series, but for when it was.
pub const SERIES: TimeSeriesInfo = TimeSeriesInfo {
    start: None,
    stop: None,
    size: 48_000,
    first: 0.136_854_29,
    last: 0.085_895_315,
    min: -1.081_820_7,
    max: 1.089_654,
    mean: 7.918_001e-5,
};

/// How it was made.
pub const WAVELET_BUFFER: WaveletBufferInfo = WaveletBufferInfo {
    abi_version: 3,
    wavelet_type: 3,
    decomposition_steps: 7,
    float_compression: 16,
    denoising: Some(Denoising::Threshold { a: 0.0, b: 0.05 }),
};
