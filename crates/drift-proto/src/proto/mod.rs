//! The messages as prost 0.14 has them, with conversions from views, and of whole packages back.
//!
//! ```
//! use drift_proto::proto::common::{DataPayload, DriftPackage};
//! use drift_proto::{Package, PackageBuilder};
//!
//! let package = PackageBuilder::new(7).payload(b"bytes").build()?;
//! let mut message = DriftPackage::from(&package); // payloads are shared
//! let payload = message.data[0].unpack::<DataPayload>()?.unwrap();
//! assert_eq!(payload.data, "bytes");
//! message.id = 8;
//! assert_eq!(Package::try_from(&message)?.id(), 8);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! To encode and decode them, `prost::Message` is to be in scope. The code in `generated` is made of the files in `proto/drift` by the package `protogen`.

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
