//! Makes what buffa makes of the files in `proto/drift`, without protoc.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use buffa::Message as _;
use buffa_codegen::generated::descriptor::FileDescriptorSet;
use protox::prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/drift");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", protos.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("without cargo")?);
    let files = ["common.proto", "meta.proto", "status.proto"];
    let mut set = protox::compile(files, [protos])?;
    // Comments.
    set.file.iter_mut().for_each(|file| file.source_code_info = None);
    let set = FileDescriptorSet::decode_from_slice(&set.encode_to_vec())?;
    let mut config = buffa_codegen::CodeGenConfig::default();
    // What is left out is not read by anything here.
    (config.file_per_package, config.emit_register_fn, config.generate_with_setters) = (true, false, false);
    for file in buffa_codegen::generate(&set.file, &files.map(String::from), &config)? {
        fs::write(out.join(file.name), file.content)?;
    }
    Ok(())
}
