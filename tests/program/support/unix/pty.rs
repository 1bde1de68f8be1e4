//! A pseudo-terminal with the binary in its foreground.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::Command;
use tokio::sync::watch;
use vt100::{Color, Parser, Screen};

use crate::support::program::within_timeout;

const ROWS: u16 = 24;

/// The user's side of a terminal: keyboard and screen.
pub(crate) struct Terminal {
    keyboard: File,
    path: String,
    screen: watch::Receiver<Parser>,
}

/// The destination of standard output.
#[derive(Clone, Copy)]
pub(crate) enum StdoutTarget<'a> {
    Screen,
    File(&'a Path),
    Pipe,
}

impl Terminal {
    /// Opens an empty terminal of this width.
    pub(crate) fn open(columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let keyboard = File::from(master);
        let mut output = keyboard.try_clone().unwrap();
        let parser = Parser::new(NonZeroU16::new(ROWS).unwrap(), NonZeroU16::new(columns).unwrap(), 0);
        let (screen_sender, screen) = watch::channel(parser);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails once no process has the terminal open.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                screen_sender.send_modify(|parser| parser.process(&bytes[..count]));
            }
        });
        Self { keyboard, path, screen }
    }

    /// Returns `command` in the foreground of this terminal, with its standard output sent to `stdout`.
    pub(crate) fn command(&self, command: &Command, stdout: StdoutTarget<'_>) -> Command {
        let (inner, path) = (command.as_std(), &self.path);
        let redirection = match stdout {
            StdoutTarget::Screen => format!(">{path}"),
            StdoutTarget::File(file) => format!(">>{}", file.display()),
            StdoutTarget::Pipe => String::new(),
        };
        let mut session = Command::new("setsid");
        // The first terminal that a new session opens becomes its controlling terminal.
        session.args(["sh", "-c", &format!("exec \"$0\" \"$@\" <{path} 2>{path} {redirection}")]);
        session.arg(inner.get_program()).args(inner.get_args()).env_clear().env("TERM", "xterm");
        session.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.current_dir("/").kill_on_drop(true);
        session.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        session
    }

    pub(crate) fn press_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen satisfies `condition`.
    pub(crate) async fn wait_for_screen(&mut self, condition: impl Fn(&Screen) -> bool) {
        let last = self.screen.clone();
        let result = within_timeout(self.screen.wait_for(|parser| condition(parser.screen()))).await.map(|_| ());
        result.unwrap_or_else(|_| panic!("the terminal closed first, showing {:?}", last.borrow().screen().contents()));
    }

    /// Returns the current state of the screen.
    pub(crate) fn screen(&self) -> watch::Ref<'_, Parser> {
        self.screen.borrow()
    }

    /// Returns the lines on the screen.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.screen.borrow().screen().contents().lines().map(str::to_owned).collect()
    }

    /// Returns the color of the first character of a row, and whether it is dim.
    pub(crate) fn color(&self, row: usize) -> (Color, bool) {
        let parser = self.screen.borrow();
        let cell = parser.screen().cell(u16::try_from(row).unwrap(), 0).unwrap();
        (cell.fgcolor(), cell.dim())
    }

    /// Returns row and column of the cursor.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.screen.borrow().screen().cursor_position()
    }
}
