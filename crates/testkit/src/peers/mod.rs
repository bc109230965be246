//! The real Python implementations, all in one virtual environment with pinned versions.
//!
//! It is made on first use, under the workspace's target folder; after that nothing needs a network. A test starts a
//! [`Worker`], and returns when there is none:
//!
//! ```no_run
//! use serde_json::json;
//! use testkit::Worker;
//!
//! const SCRIPT: &str = r#"
//! import qpack
//! serve({"pack": lambda request: {"hex": qpack.packb(request["value"]).hex()}})
//! "#;
//!
//! # fn main() {
//! let Some(mut peer) = Worker::start(SCRIPT) else { return };
//! assert_eq!(peer.call(&json!({"op": "pack", "value": [1, "a"]})), json!({"hex": "ef018161"}));
//! # }
//! ```

#![expect(clippy::disallowed_types, reason = "the peers are processes")]

mod worker;

use std::env;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub use worker::Worker;

/// What is installed. They depend on each other and on nothing else, and share one numpy.
pub const PINS: [&str; 13] = [
    "qpack==0.0.21",
    "python-thingsdb==1.4.1",
    "siridb-connector==2.1.6",
    "py-timod==1.0.0",
    "karabo-bridge==0.7.0",
    "msgpack-numpy==0.4.8",
    "pyzmq==27.3.0",
    "drift-protocol==0.6.0",
    "drift-bytes==0.3.0",
    "wavelet-buffer==0.7.1",
    "protobuf==3.20.3",
    "numpy==1.26.4",
    "msgpack==1.2.4",
];

/// The interpreter that has the peers, or `None` when `SKIP_LIVE_PEERS` is set.
///
/// The first call in a workspace makes the environment; it takes some 20 seconds and a network. `PYTHON` names the
/// interpreter to make it with (default `python3`; the pins want CPython 3.10 or 3.11). Processes that start at once
/// wait for each other.
///
/// # Panics
///
/// When the environment cannot be made, with one line that says what failed; and when `SKIP_LIVE_PEERS` meets `CI`.
#[track_caller]
pub fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    match PYTHON.get_or_init(find_or_make) {
        Ok(python) => python.clone(),
        Err(message) => panic!("{message}"),
    }
}

fn find_or_make() -> Result<Option<PathBuf>, String> {
    let variable = |name| env::var(name).unwrap_or_default();
    if is_skipped(&variable(SKIP), &variable("CI"))? {
        return Ok(None);
    }
    let base = Some(variable("PYTHON")).filter(|name| !name.is_empty()).unwrap_or_else(|| "python3".to_owned());
    let target = target_dir(env::var_os("CARGO_TARGET_DIR").map(PathBuf::from), Path::new(env!("CARGO_MANIFEST_DIR")))?;
    let environment = Environment::new(&target, &base, &PINS);
    match environment.ensure(&base) {
        Ok(()) => Ok(Some(environment.python())),
        Err(problem) => Err(format!(
            "no live peers (they want python3 with venv, and once a network): {problem}; \
             set {SKIP}=1 to do without the tests that need them"
        )),
    }
}

fn is_skipped(skip: &str, ci: &str) -> Result<bool, String> {
    let on = |value: &str| !value.is_empty() && value != "0";
    if on(skip) && on(ci) && ci != "false" {
        return Err(format!("CI never skips the live peers: {SKIP} is set, and so is CI"));
    }
    Ok(on(skip))
}

/// Where cargo builds: what the variable says, relative to the workspace, else its folder `target`.
fn target_dir(variable: Option<PathBuf>, package: &Path) -> Result<PathBuf, String> {
    let is_workspace = |folder: &&Path| {
        fs::read_to_string(folder.join("Cargo.toml"))
            .is_ok_and(|manifest| manifest.lines().any(|line| line.trim() == "[workspace]"))
    };
    let root = package.ancestors().find(is_workspace);
    match (root, variable.filter(|folder| !folder.as_os_str().is_empty())) {
        (_, Some(folder)) if folder.is_absolute() => Ok(folder),
        (Some(root), folder) => Ok(root.join(folder.unwrap_or_else(|| "target".into()))),
        (None, _) => Err(format!("no workspace above {}", package.display())),
    }
}

/// A folder for one set of pins and one interpreter.
struct Environment<'a> {
    folder: PathBuf,
    pins: &'a [&'a str],
}

impl<'a> Environment<'a> {
    fn new(target: &Path, base: &str, pins: &'a [&'a str]) -> Self {
        let key = fnv1a(pins.iter().copied().chain([base]));
        Self { folder: target.join("live-peers").join(format!("{key:016x}")), pins }
    }

    fn python(&self) -> PathBuf {
        self.folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
    }

    /// Written last, so that an interrupted build is never taken for a finished one. An interpreter that went away
    /// leaves a link to nothing, and the environment is made anew.
    fn is_ready(&self) -> bool {
        self.folder.join("ready").exists() && self.python().exists()
    }

    fn ensure(&self, base: &str) -> Result<(), String> {
        if self.is_ready() {
            return Ok(());
        }
        let file = |problem: std::io::Error| format!("{}: {problem}", self.folder.display());
        fs::create_dir_all(self.folder.parent().unwrap_or(&self.folder)).map_err(file)?;
        let path = self.folder.with_extension("lock");
        let lock = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map_err(file)?;
        lock.lock().map_err(file)?;
        // Another process may have made it while this one waited.
        if self.is_ready() {
            return Ok(());
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(file)?;
        }
        // The children hold the lock as their input: should this process be killed, the next one waits for them to end.
        let held = || lock.try_clone().map(Stdio::from).map_err(file);
        let mut venv = Command::new(base);
        venv.args(["-m", "venv"]).arg(&self.folder).stdin(held()?);
        run(&mut venv, &format!("{base} -m venv"))?;
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip.args(["--no-deps", "--retries", "2"]).args(self.pins).stdin(held()?);
        run(&mut pip, "pip install")?;
        fs::write(self.folder.join("ready"), self.pins.join("\n")).map_err(file)
    }
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command.output().map_err(|problem| format!("{what}: {problem}"))?;
    if output.status.success() {
        return Ok(());
    }
    let (stderr, stdout) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    let said = last_line(&stderr).or_else(|| last_line(&stdout)).unwrap_or("it says nothing");
    Err(format!("{what} fails ({}): {said}", output.status))
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty())
}

/// A hash that stays the same from one compiler to the next.
fn fnv1a<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = texts.flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

const SKIP: &str = "SKIP_LIVE_PEERS";

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is gone after the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let folder = env::temp_dir().join(format!("testkit-{}-{name}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_variable_skips_except_in_ci() {
        assert_eq!([is_skipped("", ""), is_skipped("0", ""), is_skipped("1", "")], [Ok(false), Ok(false), Ok(true)]);
        assert_eq!([is_skipped("", "true"), is_skipped("1", "false")], [Ok(false), Ok(true)]);
        assert!(is_skipped("1", "true").unwrap_err().starts_with("CI never skips"));
    }

    #[test]
    fn the_target_folder_is_that_of_the_workspace() {
        let scratch = Scratch::new("target");
        let package = scratch.0.join("crates/one");
        fs::create_dir_all(&package).unwrap();
        fs::write(scratch.0.join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
        fs::write(package.join("Cargo.toml"), "[package]\nlicense.workspace = true\n").unwrap();
        assert_eq!(target_dir(None, &package), Ok(scratch.0.join("target")));
        assert_eq!(target_dir(Some("".into()), &package), Ok(scratch.0.join("target")));
        assert_eq!(target_dir(Some("out".into()), &package), Ok(scratch.0.join("out")));
        assert_eq!(target_dir(Some("/elsewhere".into()), &package), Ok("/elsewhere".into()));
        assert!(target_dir(None, Path::new("/")).is_err());
    }

    #[test]
    fn other_pins_have_another_folder() {
        let folder = |pins: &[&str], base| Environment::new(Path::new("t"), base, pins).folder;
        assert_ne!(folder(&["a==1"], "python3"), folder(&["a==2"], "python3"));
        assert_ne!(folder(&["a==1"], "python3"), folder(&["a==1"], "python3.12"));
        assert_ne!(folder(&["ab", "c"], "d"), folder(&["a", "bc"], "d"));
    }

    #[test]
    fn an_unfinished_environment_is_not_ready() {
        let scratch = Scratch::new("unfinished");
        let environment = Environment::new(&scratch.0, "no-such-python", &[]);
        fs::create_dir_all(environment.python().parent().unwrap()).unwrap();
        fs::write(environment.python(), "").unwrap();
        assert!(!environment.is_ready());
        // Nor is one whose interpreter is gone: it is wiped, and here it cannot be made again.
        fs::write(environment.folder.join("ready"), "").unwrap();
        assert!(environment.is_ready());
        fs::remove_file(environment.python()).unwrap();
        let problem = environment.ensure("no-such-python").unwrap_err();
        assert!(problem.starts_with("no-such-python -m venv: "), "{problem}");
        assert!(!environment.folder.exists());
    }

    #[test]
    fn a_failure_is_one_line() {
        let mut shell = Command::new("sh");
        let problem = run(shell.args(["-c", "echo first >&2; echo 'ERROR: no pins' >&2; exit 3"]), "pip").unwrap_err();
        assert_eq!(problem, "pip fails (exit status: 3): ERROR: no pins");
        let problem = run(Command::new("sh").args(["-c", "echo only this; exit 1"]), "venv").unwrap_err();
        assert!(problem.ends_with("only this"), "{problem}");
    }

    #[test]
    fn the_interpreter_has_every_peer() {
        let Some(python) = python() else { return };
        let list = "from importlib.metadata import version\nimport sys\nfor name in sys.argv[1:]: print(name + '==' + version(name))";
        let names = PINS.map(|pin| pin.split_once("==").unwrap().0);
        let output = Command::new(python).args(["-I", "-c", list]).args(names).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().collect::<Vec<_>>(), PINS);
    }
}
