//! Packages in files, as the blob storage of Drift names them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use drift_proto::PackageRef;

use crate::Failure;

/// Most bytes of a source that names files; paths of four times as many are too long for Linux, and the folder has a path, too.
const LONGEST: usize = 1000;

/// Most bytes of a level: file systems have room for 255 as a rule.
const LONGEST_LEVEL: usize = 200;

/// A folder of packages.
#[derive(Debug)]
pub(crate) struct Store(PathBuf);

impl Store {
    /// Makes the folder, if there is none.
    pub(crate) fn create(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| Failure::Store(folder.to_owned(), error))?;
        Ok(Self(folder.to_owned()))
    }

    /// Keeps the bytes of a package as they came, in place of those with the same source and id; or says why not.
    pub(crate) fn keep(&self, source: &str, package: PackageRef<'_>) -> Result<(), String> {
        let path = path_of(source, package.id()).ok_or("the topic names no file")?;
        self.write(&path, package).map_err(|error| error.to_string())
    }

    /// Beside its place, and moved there when all of it is written: no file is ever half a package.
    fn write(&self, path: &Path, package: PackageRef<'_>) -> io::Result<()> {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        // Another demo may keep the same one at the same time.
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let done = fs::write(&part, package.as_bytes()).and_then(|()| fs::rename(&part, &path));
        if done.is_err() {
            let _ = fs::remove_file(&part);
        }
        done
    }
}

/// `SOURCE/ID.dp`, inside whatever folder that is put. `None` if a level of the source is empty, a way up, or anything but a plain name on
/// any system, ends as files of packages do, or is too long for a path: topics are chosen by whoever publishes.
#[must_use]
pub fn path_of(source: &str, id: i64) -> Option<PathBuf> {
    let is_path = source.len() <= LONGEST && source.split('/').all(is_name);
    is_path.then(|| Path::new(source).join(format!("{id}.dp")))
}

fn is_name(level: &str) -> bool {
    let is_plain = !level.contains(|c: char| c.is_control() || r#"\:*?"<>|"#.contains(c));
    // Also no dots alone, and none at the end, which Windows drops.
    let is_whole = !level.is_empty() && level.len() <= LONGEST_LEVEL && !level.ends_with(['.', ' ']);
    let level = level.to_ascii_lowercase();
    // A folder would stand where a file is to go.
    is_plain && is_whole && !level.ends_with(".dp") && !level.ends_with(".part") && !is_device(&level)
}

/// Windows opens a device for these, in any folder and whatever comes behind a dot.
fn is_device(level: &str) -> bool {
    let stem = level.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let is_number = |rest: &str| {
        let mut chars = rest.chars();
        matches!((chars.next(), chars.next()), (Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None))
    };
    matches!(stem, "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
        || stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt")).is_some_and(is_number)
}
