//! Core dumps, which would write secrets and conversations to disk (SEC-5).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Disables core dumps of this process as far as the operating system allows it.
pub(crate) fn disable() {
    // Only the soft limit: a lowered hard limit could not be raised again.
    let limit = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
    let _ = setrlimit(Resource::Core, limit);
    // The limit does not apply where the kernel pipes core dumps to a program.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_dumps_are_disabled_for_files_and_for_programs() {
        let before = getrlimit(Resource::Core).maximum;
        disable();
        let after = getrlimit(Resource::Core);
        assert_eq!((after.current, after.maximum), (Some(0), before));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().ok(),
            Some(rustix::process::DumpableBehavior::NotDumpable),
            "for a program that receives core dumps"
        );
    }
}
