//! Packages in files, as the blob storage of Drift names them.

use std::fs;
use std::path::{Path, PathBuf};

use drift_proto::PackageRef;

use crate::Failure;

/// A folder of packages.
#[derive(Debug)]
pub(crate) struct Store(PathBuf);

impl Store {
    /// Makes the folder, if there is none.
    pub(crate) fn create(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| Failure::Store(folder.to_owned(), error))?;
        Ok(Self(folder.to_owned()))
    }

    /// Keeps the bytes of a package as they came, in place of those with the same source and id. `false` for a source that names no file.
    pub(crate) fn keep(&self, source: &str, package: PackageRef<'_>) -> Result<bool, Failure> {
        let Some(path) = path_of(source, package.id()) else { return Ok(false) };
        let path = self.0.join(path);
        let folder = path.parent().unwrap_or(&self.0);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, package.as_bytes()));
        written.map(|()| true).map_err(|error| Failure::Store(path, error))
    }
}

/// `SOURCE/ID.dp`, inside whatever folder that is put. `None` if a level of the source is empty, a way up, or anything but a plain name on
/// any system: topics are chosen by whoever publishes.
#[must_use]
pub fn path_of(source: &str, id: i64) -> Option<PathBuf> {
    let is_name = |level: &str| {
        let is_plain = !level.contains(|c: char| c.is_control() || r#"\:*?"<>|"#.contains(c));
        // Also no dots alone, and none at the end, which Windows drops.
        is_plain && !level.is_empty() && level.len() <= 200 && !level.ends_with(['.', ' '])
    };
    source.split('/').all(is_name).then(|| Path::new(source).join(format!("{id}.dp")))
}
