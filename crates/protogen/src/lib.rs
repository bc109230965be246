//! Makes the types of prost from the files in `proto`, without protoc. They are committed, so that who uses a crate needs none of this; a
//! test tells when they are not what the files make.
//!
//! ```sh
//! cargo run -p protogen --example regenerate
//! ```

use std::io;
use std::path::{Path, PathBuf};

/// Files, and where the code made of them belongs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Job {
    /// The folder of the files, below the root of the workspace.
    pub protos: &'static str,
    /// The files that are not imported by others.
    pub files: &'static [&'static str],
    /// The folder of the code, below the root of the workspace.
    pub code: &'static str,
}

/// All that there are.
pub const JOBS: &[Job] = &[
    Job { protos: "proto/atlas", files: &["telemetry.proto"], code: "crates/atlas-stream/src/proto/generated" },
    Job {
        protos: "proto/drift",
        files: &["alignment_service.proto", "common.proto", "meta.proto", "trigger_service.proto"],
        code: "crates/drift-proto/src/proto/generated",
    },
];

/// The root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Job {
    /// Writes the code into a folder that is there.
    ///
    /// # Errors
    ///
    /// If the files are wrong, or the code cannot be written.
    pub fn generate(&self, into: &Path) -> io::Result<()> {
        let descriptors = protox::compile(self.files, [root().join(self.protos)]).map_err(io::Error::other)?;
        let mut config = prost_build::Config::new();
        config.bytes(["."]).compile_well_known_types().disable_comments(["."]).out_dir(into);
        // A map that is there without std, too.
        config
            .btree_map(["."])
            .default_package_filename("telemetry")
            .enable_type_names()
            .type_name_domain(["."], "type.googleapis.com");
        config.compile_fds(descriptors)
    }
}
