//! Environment variables.

/// The variable with the home folder of the user.
pub(crate) const HOME: &str = "HOME";

/// Returns the form in which a name is looked up: names are case-sensitive.
pub(crate) fn lookup_name(name: String) -> String {
    name
}
