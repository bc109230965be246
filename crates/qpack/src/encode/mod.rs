//! Writing: [`Writer`] for a caller's tokens, `whole` for those of a value at hand, both in the forms of `forms`.

mod buffer;
mod forms;
mod whole;
mod writer;

pub use self::buffer::Buffer;
#[cfg(feature = "serde")]
pub(crate) use self::forms::{close_counted, double, int, raw};
pub(crate) use self::whole::{measure, put, to_vec};
pub use self::writer::Writer;
