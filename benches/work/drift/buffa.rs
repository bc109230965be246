//! What buffa makes of the files in `proto/drift` (see `build.rs`).

#[allow(
    missing_docs,
    non_camel_case_types,
    dead_code,
    unused_imports,
    unused_qualifications,
    clippy::all,
    reason = "code as it is made"
)]
mod made {
    pub(crate) mod common {
        include!(concat!(env!("OUT_DIR"), "/drift.proto.common.rs"));
    }
    pub(crate) mod meta {
        include!(concat!(env!("OUT_DIR"), "/drift.proto.meta.rs"));
    }
}

pub(super) use made::common::__buffa::view::{DataPayloadView, DriftPackageView};
pub(super) use made::meta::__buffa::view::oneof::meta_info::Info;
pub(super) use made::meta::__buffa::view::oneof::wavelet_buffer_info::Denoising;
