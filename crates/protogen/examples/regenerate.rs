//! Writes the code of all files anew.

use std::{fs, io};

fn main() -> io::Result<()> {
    for job in protogen::JOBS {
        let code = protogen::root().join(job.code);
        fs::create_dir_all(&code)?;
        job.generate(&code)?;
    }
    Ok(())
}
