//! Writing: [`Writer`] for whole messages whose arrays stay where they are, `encode` of values for those that are to be copied.

mod forms;
mod strided;
mod tagged;
mod value;
mod writer;

pub use self::strided::StridedArrayRef;
pub(crate) use self::value::to_vec;
pub use self::writer::{Encoded, Writer};
