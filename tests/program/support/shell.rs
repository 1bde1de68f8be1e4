//! The binary, started by a shell that has changed something about the process before.

use std::process::Stdio;

use tokio::process::Command;

/// `command` with its arguments and its environment, run after `setup`, such as `ulimit -n 5` or `trap '' HUP`.
pub(crate) fn after(setup: &str, command: &Command) -> Command {
    let given = command.as_std();
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(format!("{setup}; exec \"$0\" \"$@\"")).arg(given.get_program()).args(given.get_args());
    shell.env_clear().envs(given.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir("/").kill_on_drop(true);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}
