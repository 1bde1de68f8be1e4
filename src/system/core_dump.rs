//! No core file: what is in memory, secrets and conversations, stays there when the process dies.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Keeps the system from writing this process to disk when it crashes. Where that is not possible, nothing changes.
pub(crate) fn forbid() {
    // The hard limit stays as it is, and nothing that this process would start is to be limited for ever.
    let none = Rlimit { current: Some(0), maximum: rustix::process::getrlimit(Resource::Core).maximum };
    let _ = setrlimit(Resource::Core, none);
    // A system that hands core files to a program asks for this instead of the limit.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_write() {
        let before = rustix::process::getrlimit(Resource::Core).maximum;
        forbid();
        let after = rustix::process::getrlimit(Resource::Core);
        assert_eq!((after.current, after.maximum), (Some(0), before));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().ok(),
            Some(rustix::process::DumpableBehavior::NotDumpable),
            "not for a program that takes core files either"
        );
    }
}
