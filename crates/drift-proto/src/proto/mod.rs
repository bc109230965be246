//! The messages as prost has them, with conversions from views and to them. The code in `generated` is made of the files in `proto/drift` by the package `protogen`.

#[expect(
    missing_docs,
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    reason = "code as it is made; what it is stands in the files it is made of"
)]
mod packages {
    pub(super) mod drift {
        pub(in super::super) mod proto {
            pub mod alignment_service {
                include!("generated/drift.proto.alignment_service.rs");
            }
            pub mod common {
                include!("generated/drift.proto.common.rs");
            }
            pub mod meta {
                include!("generated/drift.proto.meta.rs");
            }
            pub mod trigger_service {
                include!("generated/drift.proto.trigger_service.rs");
            }
        }
    }
    pub(super) mod google {
        pub mod protobuf {
            include!("generated/google.protobuf.rs");
        }
    }
}

mod convert;

pub use packages::drift::proto::{alignment_service, common, meta, trigger_service};
pub use packages::google::protobuf;
