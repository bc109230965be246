//! What can be shown. A further protocol is a file here, its `mod` line, and its line in the table.

mod atlas;
mod datakit;
mod drift;
mod karabo;
mod msgpack_numpy;
mod qpack;
mod thingsdb;

use crate::dissect::Protocol;

pub(crate) static PROTOCOLS: &[Protocol] = &[
    qpack::PROTOCOL,
    thingsdb::PROTOCOL,
    datakit::PROTOCOL,
    msgpack_numpy::PROTOCOL,
    karabo::PROTOCOL,
    drift::PROTOCOL,
    drift::BYTES,
    atlas::PROTOCOL,
];

pub(crate) fn find(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| protocol.name == name)
}
