//! Reads profiles of `gc`, the command line of Genesys Cloud. The file is never written.
//!
//! `gc` keeps one table per profile in `~/.gc/config.toml`, or else in `config.toml` of the working directory, and
//! ignores the case of names. A key that means the same as an environment variable of other Genesys tools is looked up
//! by the name of that variable.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use toml::de::{DeTable, DeValue};

use super::problems::{Problem, Setting};
use super::settings_file;
use crate::system::private_file::exposed_mode;

/// Keys of a profile, and the variables that mean the same.
const KEYS: [(&str, &str); 9] = [
    ("environment", "GENESYSCLOUD_REGION"),
    (CLIENT_ID, "GENESYSCLOUD_OAUTHCLIENT_ID"),
    (CLIENT_SECRET, "GENESYSCLOUD_OAUTHCLIENT_SECRET"),
    ("proxy_protocol", "GENESYSCLOUD_PROXY_PROTOCOL"),
    ("proxy_host", "GENESYSCLOUD_PROXY_HOST"),
    ("proxy_port", "GENESYSCLOUD_PROXY_PORT"),
    ("proxy_username", "GENESYSCLOUD_PROXY_AUTH_USERNAME"),
    ("proxy_password", "GENESYSCLOUD_PROXY_AUTH_PASSWORD"),
    ("gateway_host", "GENESYSCLOUD_GATEWAY_HOST"),
];
const CLIENT_ID: &str = "client_credentials";
const CLIENT_SECRET: &str = "client_secret";

const BROWSER_GRANT: &str = "uses browser sign-in (implicit or PKCE grant); \
     an OAuth client with the grant type Client Credentials is required";
const NO_CLIENT: &str = "contains no OAuth client (client_credentials, client_secret)";
const TOKEN_ONLY: &str = "contains an access token, which cannot be renewed; \
     an OAuth client with the grant type Client Credentials is required";

/// A profile of `gc`.
pub(super) struct Profile {
    name: String,
    path: PathBuf,
    /// The values by the name of the variable.
    values: HashMap<&'static str, Value>,
    unusable_client: Option<&'static str>,
}

/// A profile of `gc` and its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProfileFile {
    /// The name as it was selected.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

struct Value {
    key: &'static str,
    value: SecretString,
}

/// Returns the path of the profiles in the home directory, if the file exists.
pub(super) fn path_in_home(home: Option<&str>) -> Option<PathBuf> {
    Some(Path::new(home?).join(".gc").join("config.toml")).filter(|path| path.is_file())
}

impl Profile {
    /// Reads the profile `name` from the file in `home`, or else from the file in `folder`.
    ///
    /// # Errors
    ///
    /// If there is no file, if it cannot be read or parsed, or if it has no such profile; then the message names those
    /// it has. The message never holds a value.
    pub(super) fn read(name: &str, home: Option<&str>, folder: &Path) -> Result<Self, Problem> {
        Self::find(name, home, folder).map_err(|reason| Problem::Unusable { setting: flag(name), reason })
    }

    fn find(name: &str, home: Option<&str>, folder: &Path) -> Result<Self, String> {
        let path_in_folder = || Some(folder.join("config.toml")).filter(|path| path.is_file());
        let path = path_in_home(home)
            .or_else(path_in_folder)
            .ok_or("file not found: ~/.gc/config.toml, where gc keeps its profiles")?;
        let with_path = |reason: String| format!("{}: {reason}", path.display());
        let text = settings_file::read(&path).map_err(with_path)?;
        let profiles = parse(&text).map_err(with_path)?;
        let table = find_table(&profiles, name).ok_or_else(|| no_such_profile(&path, &profiles))?;
        let unusable_client = unusable_client(table);
        let is_offered = |key: &str| unusable_client.is_none() || ![CLIENT_ID, CLIENT_SECRET].contains(&key);
        let values = KEYS.iter().filter(|(key, _)| is_offered(key)).filter_map(|&(key, variable)| {
            let value = value_of(table, key)?.into();
            Some((variable, Value { key, value }))
        });
        Ok(Self { name: name.to_owned(), values: values.collect(), unusable_client, path })
    }

    pub(super) fn file(&self) -> ProfileFile {
        ProfileFile { name: self.name.clone(), path: self.path.clone() }
    }

    /// Returns the value that the profile has for `variable`.
    pub(super) fn get(&self, variable: &str) -> Option<Setting> {
        let Value { key, value } = self.values.get(variable)?;
        let name = format!("{key} of profile {} in {}", self.name, self.path.display());
        Some(Setting { value: value.expose_secret().to_owned(), name })
    }

    /// Returns the flag that selects this profile.
    pub(super) fn flag(&self) -> String {
        flag(&self.name)
    }

    /// Returns the reason why this profile has no complete client that can sign in here.
    pub(super) fn reason_without_client(&self) -> &'static str {
        self.unusable_client.unwrap_or(NO_CLIENT)
    }

    /// Returns a warning if the profile holds a secret and other users can read the file.
    pub(super) fn exposed_secret(&self) -> Option<String> {
        let holds_secret = self.values.values().any(|value| value.key == CLIENT_SECRET);
        let mode = exposed_mode(&self.path).filter(|_| holds_secret)?;
        Some(settings_file::exposure_warning(&self.path, mode))
    }
}

fn flag(name: &str) -> String {
    format!("--profile {name}")
}

/// Parses the file. An error names only the line: the parser's message quotes it, and the line may hold the secret.
pub(crate) fn parse(text: &str) -> Result<DeTable<'_>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    DeTable::parse(text).map(toml::Spanned::into_inner).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {} is not valid TOML", before.matches('\n').count() + 1)
    })
}

/// Finds the table of a profile. A dot in the name leads into a nested table.
fn find_table<'a>(profiles: &'a DeTable<'a>, name: &str) -> Option<&'a DeTable<'a>> {
    let whole = find_key(profiles, name).and_then(DeValue::as_table);
    whole.or_else(|| name.split('.').try_fold(profiles, |table, part| find_key(table, part)?.as_table()))
}

/// Finds the exact key, or else the key in another case.
fn find_key<'a>(table: &'a DeTable<'a>, name: &str) -> Option<&'a DeValue<'a>> {
    let find = |matches: fn(&str, &str) -> bool| table.iter().find(|(key, _)| matches(key.get_ref(), name));
    let (_, value) = find(|key, name| key == name).or_else(|| find(str::eq_ignore_ascii_case))?;
    Some(value.get_ref())
}

/// Returns the text or number of a key unless it is empty.
fn value_of(table: &DeTable<'_>, key: &str) -> Option<String> {
    let text = match find_key(table, key)? {
        DeValue::String(text) => text.trim(),
        DeValue::Integer(number) => number.as_str(),
        _ => return None,
    };
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Returns the reason why the client of a profile cannot sign in. `gc` uses a browser for the grant types 2 and 3 and
/// with any `redirect_uri`, and client credentials otherwise.
fn unusable_client(table: &DeTable<'_>) -> Option<&'static str> {
    let has = |key| value_of(table, key).is_some();
    if matches!(value_of(table, "grant_type").as_deref(), Some("2" | "3")) || has("redirect_uri") {
        return Some(BROWSER_GRANT);
    }
    (has("access_token") && !(has(CLIENT_ID) && has(CLIENT_SECRET))).then_some(TOKEN_ONLY)
}

fn no_such_profile(path: &Path, profiles: &DeTable<'_>) -> String {
    let tables = profiles.iter().filter(|(_, value)| value.get_ref().is_table());
    let names: Vec<&str> = tables.map(|(name, _)| name.get_ref().as_ref()).collect();
    let path = path.display();
    if names.is_empty() {
        return format!("{path} contains no profile");
    }
    format!("no such profile in {path}, which contains {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Profiles as `gc profiles new` writes them, and as its documentation shows them.
    const FILE: &str = r#"
[default]
  access_token = ""
  client_credentials = "client"
  client_secret = "hunter2"
  environment = "mypurecloud.ie"
  grant_type = "1"
  redirect_uri = ""
  secure_login_enabled = false
  proxy_host = "proxy.example"
  proxy_port = 3128

[Hand]
environment="us-west-2"
client_credentials="other"
client_secret="hunter3"

[browser]
grant_type = "3"
client_credentials = "public"
environment = "mypurecloud.de"
redirect_uri = "http://localhost:8080"

[token]
grant_type = "0"
access_token = "hunter4"
client_credentials = ""

[acme.eu]
environment = "eu-west-2"
"#;

    fn home(text: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".gc")).unwrap();
        std::fs::write(home.path().join(".gc/config.toml"), text).unwrap();
        home
    }

    fn read(name: &str, text: &str) -> Result<Profile, String> {
        let home = home(text);
        let read = Profile::read(name, home.path().to_str(), Path::new("/nowhere"));
        read.map_err(|problem| match problem {
            Problem::Unusable { setting, reason } => format!("{setting}: {reason}"),
            problem => panic!("{problem:?}"),
        })
    }

    fn value(profile: &Profile, name: &str) -> Option<String> {
        profile.get(name).map(|setting| setting.value)
    }

    #[test]
    fn a_profile_supplies_variables_of_other_genesys_tools() {
        for name in ["default", "DEFAULT"] {
            let profile = read(name, FILE).unwrap();
            let names =
                ["REGION", "OAUTHCLIENT_ID", "OAUTHCLIENT_SECRET", "PROXY_HOST", "PROXY_PORT", "PROXY_PROTOCOL"];
            let found = names.map(|name| value(&profile, &format!("GENESYSCLOUD_{name}")));
            assert_eq!(
                found.each_ref().map(Option::as_deref),
                [Some("mypurecloud.ie"), Some("client"), Some("hunter2"), Some("proxy.example"), Some("3128"), None]
            );
            let setting = profile.get("GENESYSCLOUD_REGION").unwrap().name;
            assert!(setting.starts_with(&format!("environment of profile {name} in ")), "{setting}");
            assert_eq!(profile.unusable_client, None);
        }
        assert_eq!(value(&read("hand", FILE).unwrap(), "GENESYSCLOUD_OAUTHCLIENT_ID").as_deref(), Some("other"));
        assert_eq!(value(&read("acme.eu", FILE).unwrap(), "GENESYSCLOUD_REGION").as_deref(), Some("eu-west-2"));
    }

    #[test]
    fn a_profile_that_cannot_sign_in_gives_the_reason_and_no_client() {
        for (name, reason, region) in [("browser", BROWSER_GRANT, Some("mypurecloud.de")), ("token", TOKEN_ONLY, None)]
        {
            let profile = read(name, FILE).unwrap();
            assert_eq!(profile.unusable_client, Some(reason));
            assert_eq!(value(&profile, "GENESYSCLOUD_OAUTHCLIENT_ID"), None);
            assert_eq!(value(&profile, "GENESYSCLOUD_REGION").as_deref(), region);
        }
        let both = "[x]\naccess_token = 't'\nclient_credentials = 'i'\nclient_secret = 's'\n";
        assert_eq!(read("x", both).unwrap().unusable_client, None);
    }

    #[test]
    fn errors_of_the_file_never_show_its_content() {
        for (name, text, part) in [
            ("prod", FILE, "no such profile in "),
            ("prod", FILE, "config.toml, which contains Hand, acme, browser, default, token"),
            ("client_secret", "client_secret = 'hunter2'\n", "contains no profile"),
            ("x", "[x]\nclient_secret = hunter2\n", "line 2 is not valid TOML"),
            ("x", "[x]\n\n[x]\nclient_secret = 'hunter2'\n", "line 3 is not valid TOML"),
            ("x", &"[".repeat(100_000), "line 1 is not valid TOML"),
            ("x", &format!("a = {}", "[".repeat(100_000)), "line 1 is not valid TOML"),
        ] {
            let error = read(name, text).err().unwrap();
            assert!(error.starts_with(&format!("--profile {name}: ")) && error.contains(part), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let nowhere = Profile::read("x", None, Path::new("/nowhere")).err().unwrap();
        assert!(format!("{nowhere:?}").contains("file not found: ~/.gc/config.toml"), "{nowhere:?}");
    }

    #[test]
    fn the_file_of_the_folder_is_read_if_there_is_none_at_home() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), "[x]\nenvironment = 'here'\n").unwrap();
        let read_region =
            |home: Option<&str>| value(&Profile::read("x", home, folder.path()).ok()?, "GENESYSCLOUD_REGION");
        assert_eq!(read_region(None).as_deref(), Some("here"));
        let home = home("[x]\nenvironment = 'there'\n");
        assert_eq!(read_region(home.path().to_str()).as_deref(), Some("there"));
    }
}
