//! The colours of text lines: sixteen colours and effects, readable on dark and on light ground.

use anstyle::{AnsiColor, Effects, Style};

use crate::event::Role;

/// The bytes that switch a colour on and off; both empty without colour.
#[derive(Default)]
pub(super) struct Ink {
    on: String,
    off: &'static str,
}

impl Ink {
    fn new(style: Style) -> Self {
        if style.is_plain() { Self::default() } else { Self { on: style.render().to_string(), off: "\x1b[0m" } }
    }

    fn color(color: AnsiColor) -> Self {
        Self::new(Style::new().fg_color(Some(color.into())))
    }

    fn effects(effects: Effects) -> Self {
        Self::new(Style::new().effects(effects))
    }

    /// Runs `write` between on and off. What it writes must not end the line.
    pub(super) fn paint(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        out.extend_from_slice(self.on.as_bytes());
        write(out);
        out.extend_from_slice(self.off.as_bytes());
    }
}

/// An ink for everything in a line that may have one.
#[derive(Default)]
pub(super) struct Palette {
    pub(super) time: Ink,
    pub(super) update: Ink,
    pub(super) closed: Ink,
    pub(super) gap: Ink,
    pub(super) highlight: Ink,
    customer: Ink,
    agent: Ink,
    bot: Ink,
    system: Ink,
    unknown: Ink,
}

impl Palette {
    pub(super) fn new(color: bool) -> Self {
        if !color {
            return Self::default();
        }
        Self {
            time: Ink::effects(Effects::DIMMED),
            update: Ink::effects(Effects::DIMMED),
            closed: Ink::effects(Effects::BOLD),
            gap: Ink::new(Style::new().fg_color(Some(AnsiColor::Red.into())).effects(Effects::BOLD)),
            // Inverse stands out on every ground.
            highlight: Ink::effects(Effects::BOLD | Effects::INVERT),
            customer: Ink::color(AnsiColor::Green),
            agent: Ink::color(AnsiColor::Cyan),
            bot: Ink::color(AnsiColor::Magenta),
            system: Ink::effects(Effects::DIMMED),
            unknown: Ink::default(),
        }
    }

    pub(super) fn role(&self, role: Role) -> &Ink {
        match role {
            Role::Customer => &self.customer,
            Role::Agent => &self.agent,
            Role::Bot => &self.bot,
            Role::System => &self.system,
            Role::Unknown => &self.unknown,
        }
    }
}
