//! The command; what it does is in the library beside it.

use std::io::IsTerminal;
use std::process::ExitCode;

use inspect::Console;

fn main() -> ExitCode {
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let mut console = Console {
        stdout_is_terminal: stdout.is_terminal(),
        stderr_is_terminal: stderr.is_terminal(),
        no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        stdin: &mut stdin.lock(),
        stdout: &mut stdout.lock(),
        stderr: &mut stderr.lock(),
    };
    ExitCode::from(inspect::run(std::env::args_os().skip(1), &mut console))
}
