//! Environment variables.

/// The variable with the home folder of the user.
pub(crate) const HOME: &str = "USERPROFILE";

/// Returns the form in which a name is looked up: Windows ignores the case of names.
pub(crate) fn lookup_name(name: String) -> String {
    name.to_uppercase()
}
