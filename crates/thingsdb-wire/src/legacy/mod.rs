//! ThingsDB of May to September 2019: qpack, in three states (SPEC.md §2, §5).

mod kind;

pub use kind::{ErrorCode, Kind, State};
