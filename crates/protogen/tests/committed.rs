//! The committed code is what the files make.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::std_instead_of_alloc)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn files(folder: &Path) -> BTreeMap<String, String> {
    let file =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
    fs::read_dir(folder).unwrap().map(|entry| file(entry.unwrap())).collect()
}

#[test]
fn the_code_is_that_of_the_files() {
    for job in protogen::JOBS {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("protogen").join(job.protos);
        if scratch.exists() {
            fs::remove_dir_all(&scratch).unwrap();
        }
        fs::create_dir_all(&scratch).unwrap();
        job.generate(&scratch).expect("the files are right");
        let (due, found) = (files(&scratch), files(&protogen::root().join(job.code)));
        assert!(due.len() >= job.files.len(), "{:?}", due.keys());
        assert!(due.keys().eq(found.keys()), "{:?} {:?}", due.keys(), found.keys());
        for (name, code) in due {
            assert!(found.get(&name) == Some(&code), "{name}: run the example `regenerate`");
        }
    }
}
