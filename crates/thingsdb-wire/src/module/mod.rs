//! Modules: child processes of a node, on their standard input and output, in MessagePack (SPEC.md §2, §4).

mod body;
mod kind;

pub use body::{ErrorRef, FromModule, ToModule};
pub use kind::Kind;
