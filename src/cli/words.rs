//! The words some flags take, in the order the help lists them.

use crate::config::{Color, Format, LogFormat, Multiline, SourceChoice, Timestamps};
use crate::event::Role;

pub(super) const SOURCES: [(&str, SourceChoice); 3] = [
    ("auto", SourceChoice::Auto),
    ("transcript", SourceChoice::Transcript),
    ("notifications", SourceChoice::Notifications),
];

pub(super) const FORMATS: [(&str, Format); 3] = [("text", Format::Text), ("json", Format::Json), ("raw", Format::Raw)];

pub(super) const TIMESTAMPS: [(&str, Timestamps); 4] = [
    ("time", Timestamps::Time),
    ("iso", Timestamps::Iso),
    ("relative", Timestamps::Relative),
    ("none", Timestamps::None),
];

pub(super) const COLORS: [(&str, Color); 3] =
    [("auto", Color::Auto), ("always", Color::Always), ("never", Color::Never)];

pub(super) const MULTILINES: [(&str, Multiline); 2] = [("escape", Multiline::Escape), ("indent", Multiline::Indent)];

pub(super) const ROLES: [(&str, Role); 4] =
    [("customer", Role::Customer), ("agent", Role::Agent), ("bot", Role::Bot), ("system", Role::System)];

pub(super) const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
