//! The `genesys-tail` binary: collects arguments, environment and streams, and returns the exit status.

use std::io::{self, ErrorKind, IsTerminal, Write as _};
use std::process::ExitCode;

use genesys_tail::cli::Cli;
use genesys_tail::{Exit, Invocation};

fn main() -> ExitCode {
    genesys_tail::ignore_file_size_signal();
    let cli = match Cli::parse_from_args(std::env::args_os()) {
        Ok(cli) => cli,
        Err(usage) => {
            return match usage.print() {
                // `--help | head -1` closes the pipe early, which is no failure; nor is a closed standard error.
                Err(error) if !usage.use_stderr() && error.kind() != ErrorKind::BrokenPipe => output_failed(&error),
                _ => ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2)),
            };
        }
    };
    match run(cli) {
        Ok(Exit::Code(code)) => ExitCode::from(code),
        Ok(Exit::Signal(signal)) => {
            signal.terminate_process();
            ExitCode::from(signal.exit_code())
        }
        Err(error) => output_failed(&error),
    }
}

/// Reports that standard output cannot be used. A closed standard error is no failure.
fn output_failed(error: &io::Error) -> ExitCode {
    let text = format!("genesys-tail: error: cannot write standard output: {}", error.kind());
    let _ = writeln!(io::stderr(), "{text}\n  tip: check the file or device behind it");
    ExitCode::from(74)
}

fn run(cli: Cli) -> io::Result<Exit> {
    Ok(genesys_tail::run(Invocation {
        cli,
        variables: std::env::vars_os().collect(),
        folder: &std::env::current_dir().unwrap_or_default(),
        stdin: &mut io::stdin(),
        stdout_is_terminal: io::stdout().is_terminal(),
        stderr_is_terminal: io::stderr().is_terminal(),
        stdout: genesys_tail::open_stdout()?,
    }))
}
