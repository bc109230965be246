//! Every committed input through the body of its target, on stable and without libFuzzer.

use std::fs;
use std::path::Path;

#[test]
fn corpora() {
    for target in fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.corpus);
        let mut inputs = 0;
        for entry in fs::read_dir(&folder).expect("the corpus is committed") {
            let path = entry.expect("readable").path();
            let input = fs::read(&path).expect("readable");
            eprintln!("{} {}", target.name, path.display());
            (target.body)(&input);
            inputs += 1;
        }
        assert!(inputs >= 10, "{} has {inputs} inputs in {}", target.name, folder.display());
    }
}
