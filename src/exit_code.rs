//! The exit codes of the program, and the classes of errors that they stand for (EXIT-66 to EXIT-78).
//!
//! 0, 2 and the codes of signals are not errors of a run: `main` and clap know them.

const NO_INPUT: u8 = 66;
const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
const IO: u8 = 74;
const TEMPORARY: u8 = 75;
const PROTOCOL: u8 = 76;
const NO_PERMISSION: u8 = 77;
const CONFIG: u8 = 78;

/// The class of an error, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// A named conversation, queue, user or recording does not exist.
    NoInput,
    /// The service or the network is unavailable, or the server's certificate is rejected.
    Unavailable,
    /// A bug, or the operating system refuses a basic resource.
    Internal,
    /// Output, cursor or recording cannot be written.
    Io,
    /// The stored transcript of a call is not available yet.
    NotYet,
    /// The server sends an unexpected response, or a recording is corrupt.
    Protocol,
    /// Credentials are refused, or a permission is missing.
    NoPermission,
    /// A setting is missing, unusable or contradictory.
    Config,
}

impl From<ErrorClass> for u8 {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::NoInput => NO_INPUT,
            ErrorClass::Unavailable => UNAVAILABLE,
            ErrorClass::Internal => SOFTWARE,
            ErrorClass::Io => IO,
            ErrorClass::NotYet => TEMPORARY,
            ErrorClass::Protocol => PROTOCOL,
            ErrorClass::NoPermission => NO_PERMISSION,
            ErrorClass::Config => CONFIG,
        }
    }
}
