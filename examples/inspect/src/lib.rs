//! Shows captured bytes as annotated frames: offset, hex, field name, value.
//!
//! The command is [`run`]; it touches nothing but the [`Console`] it is handed and the file it is told to read, so that
//! tests call it in process. Inside, a protocol turns bytes into frames and faults (`dissect.rs`), and a renderer turns
//! those into text or JSON (`render/`): a protocol never prints, a renderer knows no protocol.
//!
//! ```
//! use inspect::{Console, run};
//!
//! let (mut stdin, mut stdout, mut stderr) = (&b"\xee\x07"[..], Vec::new(), Vec::new());
//! let mut console = Console {
//!     stdin: &mut stdin,
//!     stdout: &mut stdout,
//!     stderr: &mut stderr,
//!     stdout_is_terminal: false,
//!     stderr_is_terminal: false,
//!     no_color: false,
//! };
//! assert_eq!(run(["qpack", "--json"], &mut console), 0);
//! assert_eq!(
//!     String::from_utf8(stdout).unwrap(),
//!     "{\"protocol\":\"qpack\",\"frame\":1,\"offset\":0,\"length\":2,\"fields\":[\
//!      {\"name\":\"value\",\"type\":\"ARRAY1\",\"offset\":0,\"length\":2,\"value\":[7]}]}\n"
//! );
//! ```

extern crate alloc;

mod args;
mod command;
mod dissect;
mod progress;
mod protocols;
mod render;
mod source;
mod stream;

pub use crate::command::{Console, run};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct WorkspaceReadme;
