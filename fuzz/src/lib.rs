//! The bodies of the fuzz targets: over public API only, shared by libFuzzer's shims and by the replay test, which runs
//! every corpus on stable.
//!
//! A body panics where a law is broken. What the codec refuses is no finding.

pub mod atlas;
pub mod datakit;
pub mod drift;
pub mod karabo;
pub mod msgpack_numpy;
pub mod qpack;
pub mod thingsdb;

/// A fuzz target by name, with the folder of its corpus.
pub struct Target {
    /// Name of the binary.
    pub name: &'static str,
    /// Folder under `corpus/`.
    pub corpus: &'static str,
    /// What it does with an input.
    pub body: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "qpack_reader", corpus: "qpack", body: qpack::reader },
    Target { name: "qpack_tree", corpus: "qpack", body: qpack::tree },
    Target { name: "qpack_serde", corpus: "qpack", body: qpack::serde },
    Target { name: "qpack_writer", corpus: "qpack_writer", body: qpack::writer },
    Target { name: "datakit_decoder", corpus: "datakit_decoder", body: datakit::decoder },
    Target { name: "datakit_client", corpus: "datakit_client", body: datakit::client },
    Target { name: "datakit_server", corpus: "datakit_server", body: datakit::server },
    Target { name: "thingsdb_framing", corpus: "thingsdb_framing", body: thingsdb::framing },
    Target { name: "thingsdb_v1", corpus: "thingsdb_v1", body: thingsdb::v1 },
    Target { name: "thingsdb_legacy", corpus: "thingsdb_legacy", body: thingsdb::legacy },
    Target { name: "thingsdb_client", corpus: "thingsdb_client", body: thingsdb::client },
    Target { name: "thingsdb_server", corpus: "thingsdb_server", body: thingsdb::server },
    Target { name: "msgpack_numpy_dtype", corpus: "msgpack_numpy_dtype", body: msgpack_numpy::dtype },
    Target { name: "msgpack_numpy_array", corpus: "msgpack_numpy_array", body: msgpack_numpy::array },
    Target { name: "msgpack_numpy_walk", corpus: "msgpack_numpy_walk", body: msgpack_numpy::walk },
    Target { name: "karabo_train", corpus: "karabo_train", body: karabo::train },
    Target { name: "karabo_index", corpus: "karabo_index", body: karabo::index },
    Target { name: "karabo_client", corpus: "karabo_client", body: karabo::client },
    Target { name: "karabo_server", corpus: "karabo_server", body: karabo::server },
    Target { name: "karabo_capture", corpus: "karabo_capture", body: karabo::capture },
    Target { name: "drift_package", corpus: "drift_package", body: drift::package },
    Target { name: "drift_bytes", corpus: "drift_bytes", body: drift::bytes },
    Target { name: "drift_correlator", corpus: "drift_correlator", body: drift::correlator },
    Target { name: "atlas_key", corpus: "atlas_key", body: atlas::key },
    Target { name: "atlas_number", corpus: "atlas_number", body: atlas::number },
    Target { name: "atlas_json", corpus: "atlas_json", body: atlas::json },
    Target { name: "atlas_protobuf", corpus: "atlas_protobuf", body: atlas::protobuf },
    Target { name: "atlas_format", corpus: "atlas_format", body: atlas::format },
    Target { name: "atlas_reader", corpus: "atlas_reader", body: atlas::reader },
    Target { name: "atlas_writer", corpus: "atlas_writer", body: atlas::writer },
    Target { name: "atlas_barrier", corpus: "atlas_barrier", body: atlas::barrier },
];
