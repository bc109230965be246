//! The protobuf messages as prost 0.14 has them. The code in `generated` is made of the files in `proto/atlas` by the package `protogen`.
//!
//! ```
//! use atlas_stream::proto::EventMessage;
//! use prost::Message;
//!
//! let event = EventMessage::decode(&b"\x08\x01\x10\x02\x1a\x01a\x2a\x08\0\0\0\0\0\0\xf0\x3f"[..])?;
//! assert_eq!((event.epoch_nanos, event.timestamps_nanos, event.id.as_str()), (1, 2, "a"));
//! # Ok::<(), prost::DecodeError>(())
//! ```
//!
//! What type in a key stands for which of them is not published.

#[expect(
    missing_docs,
    clippy::exhaustive_structs,
    reason = "code as it is made; what it is stands in the files it is made of"
)]
mod telemetry {
    include!("generated/telemetry.rs");
}

pub use telemetry::*;
