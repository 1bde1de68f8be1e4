//! The topics on a terminal.

use vt100::{Cell, Screen};

use crate::support::program::{Running, bare_program};
use crate::support::pty::{StdoutTarget, Terminal};

/// Prints a topic on a terminal and returns it when its end is on the screen.
async fn on_terminal(columns: u16, variables: &[(&str, &str)], is_complete: impl Fn(&Screen) -> bool) -> Terminal {
    let mut terminal = Terminal::open(columns);
    let mut help = bare_program(&["help", "calls"]);
    help.envs(variables.iter().copied());
    let running = Running::start(&mut terminal.command(&help, StdoutTarget::Screen));
    terminal.wait_for_screen(is_complete).await;
    assert_eq!(running.finish().await.code, Some(0));
    terminal
}

#[tokio::test]
async fn a_topic_fits_the_terminal_and_has_bold_headings_if_colors_are_allowed() {
    let shows_end = |screen: &Screen| screen.contents().contains("Audio is not available.");
    let has_bold = |screen: &Screen| {
        let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        cells.filter_map(|(row, column)| screen.cell(row, column)).any(Cell::bold)
    };
    let wide = on_terminal(60, &[], |screen| shows_end(screen) && has_bold(screen)).await;
    assert!(wide.lines().iter().any(|line| line.len() > 45), "{:?}", wide.lines());
    let narrow = on_terminal(44, &[], |screen| shows_end(screen) && has_bold(screen)).await;
    assert!(narrow.lines().iter().any(|line| line == "Limits"), "{:?}", narrow.lines());
    on_terminal(60, &[("NO_COLOR", "1")], |screen| shows_end(screen) && !has_bold(screen)).await;
}
