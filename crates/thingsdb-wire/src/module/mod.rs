//! Modules: child processes of a node, on their standard input and output, in MessagePack (SPEC.md §2, §4).

mod body;
mod dialect;
mod kind;

pub use body::{ErrorRef, FromModule, ToModule};
pub use dialect::DIALECT;
pub use kind::Kind;
