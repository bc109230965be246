//! Makes what buffa makes of the files in `proto/drift`, without protoc: `cargo run -p benches --example drift_buffa`.

use std::error::Error;
use std::fs;
use std::path::Path;

use buffa::Message as _;
use buffa_codegen::generated::descriptor::FileDescriptorSet;
use protox::prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["common.proto", "meta.proto", "status.proto"];
    let mut set = protox::compile(files, [here.join("../proto/drift")])?;
    // Comments.
    set.file.iter_mut().for_each(|file| file.source_code_info = None);
    let set = FileDescriptorSet::decode_from_slice(&set.encode_to_vec())?;
    let mut config = buffa_codegen::CodeGenConfig::default();
    // What is left out is not read by anything here.
    (config.file_per_package, config.emit_register_fn, config.generate_with_setters) = (true, false, false);
    for file in buffa_codegen::generate(&set.file, &files.map(String::from), &config)? {
        fs::write(here.join("work/drift/generated").join(file.name), file.content)?;
    }
    Ok(())
}
