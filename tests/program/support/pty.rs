//! A terminal of our own, with the binary in its foreground.

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
use vt100::{Parser, Screen};

use super::program::soon;

const ROWS: u16 = 24;

/// A terminal: its keyboard and what is on its screen.
pub(crate) struct Terminal {
    keyboard: File,
    path: String,
    screen: watch::Receiver<Parser>,
}

/// Where standard output goes.
#[derive(Clone, Copy)]
pub(crate) enum To<'a> {
    Screen,
    File(&'a Path),
    Pipe,
}

impl Terminal {
    /// An empty one of this width.
    pub(crate) fn open(columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let keyboard = File::from(master);
        let mut output = keyboard.try_clone().unwrap();
        let parser = Parser::new(NonZeroU16::new(ROWS).unwrap(), NonZeroU16::new(columns).unwrap(), 0);
        let (shows, screen) = watch::channel(parser);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails once nobody has the terminal open any more.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shows.send_modify(|parser| parser.process(&bytes[..count]));
            }
        });
        Self { keyboard, path, screen }
    }

    /// `command` in the foreground of this terminal, with its standard output there, in a file, or in a pipe.
    pub(crate) fn command(&self, command: &Command, to: To<'_>) -> Command {
        let (given, path) = (command.as_std(), &self.path);
        let to = match to {
            To::Screen => format!(">{path}"),
            To::File(file) => format!(">>{}", file.display()),
            To::Pipe => String::new(),
        };
        let mut session = Command::new("setsid");
        // The first terminal that a new session opens is its own.
        session.args(["sh", "-c", &format!("exec \"$0\" \"$@\" <{path} 2>{path} {to}")]);
        session.arg(given.get_program()).args(given.get_args()).env_clear().env("TERM", "xterm");
        session.envs(given.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.current_dir("/").kill_on_drop(true);
        session.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        session
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen is as wanted.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Screen) -> bool) {
        let last = self.screen.clone();
        let seen = soon(self.screen.wait_for(|parser| wanted(parser.screen()))).await.map(|_| ());
        seen.unwrap_or_else(|_| panic!("it was not to be seen: {:?}", last.borrow().screen().contents()));
    }

    /// The lines on the screen, and where the cursor is.
    pub(crate) fn look(&self) -> (Vec<String>, (u16, u16)) {
        let parser = self.screen.borrow();
        let screen = parser.screen();
        (screen.contents().lines().map(str::to_owned).collect(), screen.cursor_position())
    }
}
