//! Numpy arrays in MessagePack. The first byte of an input chooses settings and limits, the rest is what is read.

mod array;
mod dtype;
mod oracle;
mod walk;

use msgpack_numpy_codec::Limits;

pub use self::array::array;
pub use self::dtype::dtype;
pub use self::walk::walk;

fn split(data: &[u8]) -> Option<(u8, Limits, &[u8])> {
    let (&settings, input) = data.split_first()?;
    let max_depth = [64, 3, 255, 0][usize::from(settings & 3)];
    let max_axes = if settings & 4 == 0 { 64 } else { 2 };
    Some((settings, Limits::DEFAULT.with_max_depth(max_depth).with_max_axes(max_axes), input))
}
