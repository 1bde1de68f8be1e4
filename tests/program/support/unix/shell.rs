//! The binary, started by a shell that first changes the process: limits, signals, open files.

use std::process::Stdio;

use tokio::process::Command;

/// Returns `command` with its arguments and environment, run after shell code such as `ulimit -n 5` or `trap '' HUP`.
pub(crate) fn with_shell_setup(setup: &str, command: &Command) -> Command {
    let inner = command.as_std();
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(format!("{setup}; exec \"$0\" \"$@\"")).arg(inner.get_program()).args(inner.get_args());
    shell.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir("/").kill_on_drop(true);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}
