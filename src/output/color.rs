//! The colors of text lines: the sixteen ANSI colors and effects, which stay readable on dark and light backgrounds.

use anstyle::{AnsiColor, Effects, Style};

use crate::event::Role;

/// The escape sequences that switch a style on and off, rendered once. Both are empty without color.
#[derive(Default)]
pub(super) struct RenderedStyle {
    on: String,
    off: &'static str,
}

impl RenderedStyle {
    fn new(style: Style) -> Self {
        if style.is_plain() { Self::default() } else { Self { on: style.render().to_string(), off: "\x1b[0m" } }
    }

    fn color(color: AnsiColor) -> Self {
        Self::new(Style::new().fg_color(Some(color.into())))
    }

    fn effects(effects: Effects) -> Self {
        Self::new(Style::new().effects(effects))
    }

    /// Appends the output of `write` in this style. The output must not contain a line break.
    pub(super) fn paint(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        out.extend_from_slice(self.on.as_bytes());
        write(out);
        out.extend_from_slice(self.off.as_bytes());
    }
}

/// The colors of prefixes: all but black, white and the grays, one of which a background hides.
const PREFIX_COLORS: [AnsiColor; 12] = [
    AnsiColor::Red,
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Magenta,
    AnsiColor::Cyan,
    AnsiColor::BrightRed,
    AnsiColor::BrightGreen,
    AnsiColor::BrightYellow,
    AnsiColor::BrightBlue,
    AnsiColor::BrightMagenta,
    AnsiColor::BrightCyan,
];

/// The styles of the parts of a line.
#[derive(Default)]
pub(super) struct Theme {
    pub(super) time: RenderedStyle,
    pub(super) update: RenderedStyle,
    pub(super) closed: RenderedStyle,
    pub(super) gap: RenderedStyle,
    pub(super) highlight: RenderedStyle,
    prefixes: [RenderedStyle; PREFIX_COLORS.len()],
    customer: RenderedStyle,
    agent: RenderedStyle,
    bot: RenderedStyle,
    system: RenderedStyle,
    unknown: RenderedStyle,
}

impl Theme {
    /// Returns the colored theme, or the plain one, whose styles are all empty.
    pub(super) fn new(is_colored: bool) -> Self {
        if !is_colored {
            return Self::default();
        }
        Self {
            time: RenderedStyle::effects(Effects::DIMMED),
            update: RenderedStyle::effects(Effects::DIMMED),
            closed: RenderedStyle::effects(Effects::BOLD),
            gap: RenderedStyle::new(Style::new().fg_color(Some(AnsiColor::Red.into())).effects(Effects::BOLD)),
            // Inverse is visible on every background.
            highlight: RenderedStyle::effects(Effects::BOLD | Effects::INVERT),
            prefixes: PREFIX_COLORS.map(RenderedStyle::color),
            customer: RenderedStyle::color(AnsiColor::Green),
            agent: RenderedStyle::color(AnsiColor::Cyan),
            bot: RenderedStyle::color(AnsiColor::Magenta),
            system: RenderedStyle::effects(Effects::DIMMED),
            unknown: RenderedStyle::default(),
        }
    }

    /// Returns the style of the prefix of this conversation, the same in every run (OUT-8).
    pub(super) fn conversation(&self, id: &str) -> &RenderedStyle {
        let number = fnv1a(id.as_bytes()) % PREFIX_COLORS.len() as u64;
        &self.prefixes[usize::try_from(number).unwrap_or_default()]
    }

    pub(super) fn role(&self, role: Role) -> &RenderedStyle {
        match role {
            Role::Customer => &self.customer,
            Role::Agent => &self.agent,
            Role::Bot => &self.bot,
            Role::System => &self.system,
            Role::Unknown => &self.unknown,
        }
    }
}

/// Returns the FNV-1a hash: short, and the same on every machine.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
