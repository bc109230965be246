//! A long-lived Python process that answers requests.

#![expect(clippy::disallowed_methods, reason = "threads read the pipes of a process, and a dying one is waited for")]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::python;

/// A Python process that takes one JSON object a line and answers with one.
///
/// It is killed when dropped.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
    stderr: Arc<Mutex<VecDeque<String>>>,
    stderr_reader: JoinHandle<()>,
    patience: Duration,
}

impl Worker {
    /// Starts `script` where the peers are installed; `None` when the live peers are skipped.
    ///
    /// The script ends with `serve({"op": function, …})`. A function takes the request, a `dict`, and returns what JSON
    /// can hold; an exception becomes the answer `{"error": "Type: text"}`. What the script prints goes to standard
    /// error. The interpreter runs isolated: no `PYTHON…` variable, no user's packages, no byte code written.
    ///
    /// # Panics
    ///
    /// As [`python`] does, and when the process cannot be started.
    #[track_caller]
    pub fn start(script: &str) -> Option<Self> {
        Some(Self::start_with(&python()?, script))
    }

    /// How long [`call`](Self::call) waits for an answer before it takes the worker for stuck; two minutes at first.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks, and waits for the answer.
    ///
    /// # Panics
    ///
    /// With the error when the answer is one; with the end of the worker's standard error when it died or is stuck.
    #[track_caller]
    pub fn call(&mut self, request: &Value) -> Value {
        self.try_call(request).unwrap_or_else(|error| panic!("the peer answers {request} with an error: {error}"))
    }

    /// As [`call`](Self::call), for a peer that may refuse: an error it reports is returned.
    #[track_caller]
    pub fn try_call(&mut self, request: &Value) -> Result<Value, String> {
        self.send(request);
        self.receive()
    }

    /// Asks without waiting: for a peer that will talk to the test over a socket meanwhile.
    #[track_caller]
    pub fn send(&mut self, request: &Value) {
        if let Err(error) = writeln!(self.requests, "{request}").and_then(|()| self.requests.flush()) {
            let found = format!("takes no request: {error}");
            self.give_up(&found);
        }
    }

    /// Waits for the answer to the oldest request that has none; see [`try_call`](Self::try_call).
    #[track_caller]
    pub fn receive(&mut self) -> Result<Value, String> {
        let line = match self.answers.recv_timeout(self.patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                let found = format!("gives no answer within {:?}", self.patience);
                self.give_up(&found)
            }
            Err(RecvTimeoutError::Disconnected) => self.give_up("ended without an answer"),
        };
        match serde_json::from_str::<Value>(&line) {
            Ok(answer) => match answer.get("error") {
                Some(error) => Err(error.as_str().map_or_else(|| error.to_string(), str::to_owned)),
                None => Ok(answer),
            },
            Err(error) => self.give_up(&format!("answers with what is no JSON ({error}): {line}")),
        }
    }

    fn start_with(python: &Path, script: &str) -> Self {
        let mut child = Command::new(python)
            .args(["-I", "-B", "-u", "-X", "utf8", "-c"])
            .arg([PRELUDE, script].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("the peer does not start: {}: {error}", python.display()));
        let (Some(requests), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            unreachable!("all three are piped");
        };
        let (sender, answers) = mpsc::channel();
        // Both pipes are read all the time: a worker that fills one must not wait for a test that waits for it.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let stderr_reader = thread::spawn({
            let tail = Arc::clone(&tail);
            move || {
                for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                    tail.push_back(String::from_utf8_lossy(&line).into_owned());
                    if tail.len() > TAIL_LINES {
                        tail.pop_front();
                    }
                }
            }
        });
        Self { child, requests, answers, stderr: tail, stderr_reader, patience: PATIENCE }
    }

    #[track_caller]
    fn give_up(&mut self, found: &str) -> ! {
        // One that only just died is given the time to be seen as such, and its last words the time to arrive.
        for _ in 0..50 {
            if self.stderr_reader.is_finished() && !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let status = match self.child.try_wait() {
            Ok(Some(status)) => status.to_string(),
            _ => "still running".to_owned(),
        };
        let tail = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let said = tail.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ");
        panic!("the peer {found} ({status}); the end of its standard error:\n  {said}");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PRELUDE: &str = include_str!("prelude.py");
const TAIL_LINES: usize = 40;
const PATIENCE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SCRIPT: &str = r#"
import qpack, os, sys, time

def die(request):
    print("last words")
    sys.exit(3)

serve({
    "kind": lambda request: {"kind": type(qpack.packb).__name__},
    "pack": lambda request: {"hex": qpack.packb(request["value"]).hex()},
    "shout": lambda request: {"printed": print(request["text"] * 100_000)},
    "echo": lambda request: request,
    "nan": lambda request: {"value": float("nan")},
    "sleep": lambda request: time.sleep(60),
    "die": die,
})
"#;

    #[test]
    fn the_real_qpack_answers() {
        let Some(mut peer) = Worker::start(SCRIPT) else { return };
        assert_eq!(peer.call(&json!({"op": "kind"})), json!({"kind": "builtin_function_or_method"}));
        assert_eq!(peer.call(&json!({"op": "pack", "value": [1, "a"]})), json!({"hex": "ef018161"}));
    }

    #[test]
    fn text_and_numbers_pass_unchanged() {
        let Some(mut peer) = Worker::start(SCRIPT) else { return };
        let request = json!({"op": "echo", "text": "é€😀\n\u{0}", "numbers": [u64::MAX, i64::MIN, 0.1]});
        assert_eq!(peer.call(&request), request);
    }

    #[test]
    fn what_a_script_prints_is_no_answer() {
        let Some(mut peer) = Worker::start(SCRIPT) else { return };
        assert_eq!(peer.call(&json!({"op": "shout", "text": "{\"x\":1}\n"})), json!({"printed": null}));
    }

    #[test]
    fn answers_come_in_the_order_of_the_requests() {
        let Some(mut peer) = Worker::start(SCRIPT) else { return };
        (0..100).for_each(|number| peer.send(&json!({"op": "echo", "number": number})));
        for number in 0..100 {
            assert_eq!(peer.receive().unwrap()["number"], number);
        }
    }

    #[test]
    fn a_refusal_is_an_error_and_the_worker_lives_on() {
        let Some(mut peer) = Worker::start(SCRIPT) else { return };
        assert_eq!(peer.try_call(&json!({"op": "pack"})), Err("KeyError: 'value'".to_owned()));
        assert_eq!(peer.try_call(&json!({"op": "unknown"})), Err("KeyError: 'unknown'".to_owned()));
        assert!(peer.try_call(&json!({"op": "nan"})).unwrap_err().starts_with("ValueError: Out of range float"));
        assert_eq!(peer.call(&json!({"op": "pack", "value": 1})), json!({"hex": "01"}));
    }

    /// What a test would show, or nothing where the peers are skipped.
    fn complaint(use_it: impl FnOnce(Worker)) -> Option<String> {
        let peer = Worker::start(SCRIPT)?;
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| use_it(peer))).unwrap_err();
        panic.downcast_ref::<String>().cloned()
    }

    #[test]
    fn an_error_panics_with_its_text() {
        let Some(text) = complaint(|mut peer| drop(peer.call(&json!({"op": "pack"})))) else { return };
        assert_eq!(text, r#"the peer answers {"op":"pack"} with an error: KeyError: 'value'"#);
    }

    #[test]
    fn a_dead_worker_panics_with_its_last_words() {
        let Some(text) = complaint(|mut peer| drop(peer.call(&json!({"op": "die"})))) else { return };
        assert!(text.contains("ended without an answer (exit status: 3)") && text.contains("last words"), "{text}");
    }

    #[test]
    fn a_broken_script_shows_its_traceback() {
        let Some(python) = python() else { return };
        let panic = std::panic::catch_unwind(|| Worker::start_with(&python, "import no_such_module").receive());
        let text = panic.unwrap_err().downcast_ref::<String>().cloned().unwrap();
        assert!(text.contains("ModuleNotFoundError: No module named 'no_such_module'"), "{text}");
    }

    #[test]
    fn a_stuck_worker_is_not_waited_for() {
        let use_it = |peer: Worker| drop(peer.with_patience(Duration::from_millis(50)).call(&json!({"op": "sleep"})));
        let Some(text) = complaint(use_it) else { return };
        assert!(text.contains("gives no answer within 50ms (still running)"), "{text}");
    }
}
