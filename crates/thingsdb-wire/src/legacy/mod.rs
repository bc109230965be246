//! ThingsDB of May to September 2019: qpack, in three states (SPEC.md §2, §5).

mod dialect;
mod kind;

pub use dialect::{S1, S2, SEPTEMBER};
pub use kind::{ErrorCode, Kind, State};
