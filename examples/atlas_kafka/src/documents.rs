//! Where documents are: in the place of the Dependencies Service. Streams name them by their ids and do not carry them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use atlas_stream::{DATA_FORMAT, DataFormat, dependency_id, is_dependency_id, item_path};

use crate::Failure;

/// What the service calls a place for documents that belong together.
const GROUP: &str = "default";

/// Longer ones are not read.
const MAX_LEN: u64 = 16 << 20;

/// In memory, or in a folder that readers in other processes have, too, at the paths that the service has.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    folder: Option<PathBuf>,
    memory: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Documents {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, memory: Mutex::default() }
    }

    /// Stores a document under the id that the service would make.
    pub(crate) fn store(&self, dependency_type: &str, document: &str) -> Result<String, Failure> {
        let id = dependency_id(document);
        self.put(dependency_type, &id, document.as_bytes())?;
        Ok(id)
    }

    pub(crate) fn put(&self, dependency_type: &str, id: &str, document: &[u8]) -> Result<(), Failure> {
        let invalid = |error: io::Error| Failure::File(PathBuf::from(id), error);
        let path = item_path(GROUP, dependency_type, id).map_err(|error| invalid(io::Error::other(error)))?;
        if let Some(folder) = &self.folder {
            let file = folder.join(format!("{path}.json"));
            let parent = file.parent().unwrap_or(folder);
            let written = fs::create_dir_all(parent).and_then(|()| fs::write(&file, document));
            return written.map_err(|error| Failure::File(file, error));
        }
        if let Ok(mut memory) = self.memory.lock() {
            memory.insert(path, document.to_vec());
        }
        Ok(())
    }

    /// A data format from a file, whose name without its extension is its id, if it may be one, or else what the service would make.
    pub(crate) fn put_file(&self, path: &PathBuf) -> Result<(), Failure> {
        let failed = |error| Failure::File(path.clone(), error);
        let document = read(path).map_err(failed)?;
        DataFormat::decode(&document).map_err(|error| failed(io::Error::other(error)))?;
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_dependency_id(stem));
        let id = stem.map_or_else(|| dependency_id(&String::from_utf8_lossy(&document)), str::to_owned);
        self.put(DATA_FORMAT, &id, &document)
    }

    /// A data format that a stream names. An id of the stream's leads nowhere else: it is none if it could.
    pub(crate) fn format(&self, id: &str) -> Result<Arc<DataFormat<'static>>, String> {
        let path = item_path(GROUP, DATA_FORMAT, id).map_err(|error| error.to_string())?;
        let document = match &self.folder {
            Some(folder) => read(&folder.join(format!("{path}.json"))).map_err(|error| error.to_string())?,
            None => {
                let memory = self.memory.lock().ok();
                memory.and_then(|memory| memory.get(&path).cloned()).ok_or("nobody has stored it")?
            }
        };
        let (format, _) = DataFormat::decode(&document).map_err(|error| error.to_string())?;
        Ok(Arc::new(format.into_owned()))
    }
}

fn read(path: &PathBuf) -> io::Result<Vec<u8>> {
    let mut document = Vec::new();
    let len = File::open(path)?.take(MAX_LEN.saturating_add(1)).read_to_end(&mut document)?;
    if len as u64 > MAX_LEN { Err(io::Error::other("longer than 16 MiB")) } else { Ok(document) }
}
