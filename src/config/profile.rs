//! Profiles of `gc`, the command line of Genesys Cloud: its file is read, never written.
//!
//! `gc` keeps a table a profile in `~/.gc/config.toml`, else in `config.toml` of the working folder, and does not care
//! about the case of a name. Where a member means the same as a variable of the other Genesys tools, it is handed out
//! under the name of that variable.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use toml::de::{DeTable, DeValue};

use super::env::Setting;
use super::error::Problem;
use super::file;

/// Members, and the variables that mean the same.
const MEMBERS: [(&str, &str); 9] = [
    ("environment", "GENESYSCLOUD_REGION"),
    (ID, "GENESYSCLOUD_OAUTHCLIENT_ID"),
    (SECRET, "GENESYSCLOUD_OAUTHCLIENT_SECRET"),
    ("proxy_protocol", "GENESYSCLOUD_PROXY_PROTOCOL"),
    ("proxy_host", "GENESYSCLOUD_PROXY_HOST"),
    ("proxy_port", "GENESYSCLOUD_PROXY_PORT"),
    ("proxy_username", "GENESYSCLOUD_PROXY_AUTH_USERNAME"),
    ("proxy_password", "GENESYSCLOUD_PROXY_AUTH_PASSWORD"),
    ("gateway_host", "GENESYSCLOUD_GATEWAY_HOST"),
];
const ID: &str = "client_credentials";
const SECRET: &str = "client_secret";

const BROWSER: &str = "it signs in by a browser (implicit or PKCE grant), which nobody can do here; \
     an OAuth client with the grant Client Credentials is needed";
const TOKEN: &str = "it holds an access token and no client, and a token cannot be renewed; \
     an OAuth client with the grant Client Credentials is needed";

/// One profile.
pub(super) struct Profile {
    name: String,
    path: PathBuf,
    /// By the name of the variable: the member, and its value.
    values: HashMap<&'static str, (&'static str, SecretString)>,
    no_client: Option<&'static str>,
}

/// Where profiles are in the home folder, if there are any.
pub(super) fn file_of(home: Option<&str>) -> Option<PathBuf> {
    Some(Path::new(home?).join(".gc/config.toml")).filter(|path| path.is_file())
}

impl Profile {
    /// The profile `name` of the file in `home`, else of that in `folder`.
    ///
    /// # Errors
    ///
    /// There is no file, it cannot be read or parsed, or it has no such profile; then the message names those it has.
    /// It never holds a value.
    pub(super) fn read(name: &str, home: Option<&str>, folder: &Path) -> Result<Self, Problem> {
        Self::find(name, home, folder).map_err(|reason| Problem::Unusable { setting: flag(name), reason })
    }

    fn find(name: &str, home: Option<&str>, folder: &Path) -> Result<Self, String> {
        let here = || Some(folder.join("config.toml")).filter(|path| path.is_file());
        let path =
            file_of(home).or_else(here).ok_or("gc keeps profiles in ~/.gc/config.toml, and there is no such file")?;
        let named = |reason: String| format!("{}: {reason}", path.display());
        let text = file::read(&path).map_err(named)?;
        let all = parse(&text).map_err(named)?;
        let table = table_of(&all, name).ok_or_else(|| none_such(&path, &all))?;
        let no_client = no_client(table);
        let offered = MEMBERS.iter().filter(|(member, _)| no_client.is_none() || ![ID, SECRET].contains(member));
        let values =
            offered.filter_map(|(member, variable)| Some((*variable, (*member, value_of(table, member)?.into()))));
        Ok(Self { name: name.to_owned(), values: values.collect(), no_client, path })
    }

    /// What the profile says in the place of the variable `name`.
    pub(super) fn get(&self, name: &str) -> Option<Setting> {
        let (member, value) = self.values.get(name)?;
        let name = format!("{member} of profile {} in {}", self.name, self.path.display());
        Some(Setting { value: value.expose_secret().to_owned(), name })
    }

    /// What was typed for it.
    pub(super) fn flag(&self) -> String {
        flag(&self.name)
    }

    /// Why nobody can sign in with it, where that is so.
    pub(super) fn no_client(&self) -> Option<&'static str> {
        self.no_client
    }

    /// A warning when the file holds a secret and others can read it.
    pub(super) fn exposed_secret(&self) -> Option<String> {
        let holds_secret = self.values.values().any(|(member, _)| *member == SECRET);
        file::exposed(&self.path).filter(|_| holds_secret).map(|mode| file::exposure(&self.path, mode))
    }
}

fn flag(name: &str) -> String {
    format!("--profile {name}")
}

/// The parser's own words hold the line, and the line may hold the secret.
pub(crate) fn parse(text: &str) -> Result<DeTable<'_>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    DeTable::parse(text).map(toml::Spanned::into_inner).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {} is not TOML", before.matches('\n').count() + 1)
    })
}

/// The table of that name: the exact one, else one in another case. A dot in the name leads into a table.
fn table_of<'a>(all: &'a DeTable<'a>, name: &str) -> Option<&'a DeTable<'a>> {
    let whole = member_of(all, name).and_then(DeValue::as_table);
    whole.or_else(|| name.split('.').try_fold(all, |table, part| member_of(table, part)?.as_table()))
}

fn member_of<'a>(table: &'a DeTable<'a>, name: &str) -> Option<&'a DeValue<'a>> {
    let find = |is: fn(&str, &str) -> bool| table.iter().find(|(key, _)| is(key.get_ref(), name));
    let (_, value) = find(|key, name| key == name).or_else(|| find(str::eq_ignore_ascii_case))?;
    Some(value.get_ref())
}

/// The text or number of a member, where it is not empty.
fn value_of(table: &DeTable<'_>, member: &str) -> Option<String> {
    let text = match member_of(table, member)? {
        DeValue::String(text) => text.trim(),
        DeValue::Integer(number) => number.as_str(),
        _ => return None,
    };
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// `gc` takes a browser for the grants 2 and 3 and wherever there is an address to come back to, else the client.
fn no_client(table: &DeTable<'_>) -> Option<&'static str> {
    let has = |member| value_of(table, member).is_some();
    if matches!(value_of(table, "grant_type").as_deref(), Some("2" | "3")) || has("redirect_uri") {
        return Some(BROWSER);
    }
    (has("access_token") && !(has(ID) && has(SECRET))).then_some(TOKEN)
}

fn none_such(path: &Path, all: &DeTable<'_>) -> String {
    let tables = all.iter().filter(|(_, value)| value.get_ref().is_table());
    let names: Vec<&str> = tables.map(|(name, _)| name.get_ref().as_ref()).collect();
    let path = path.display();
    if names.is_empty() {
        return format!("{path} holds no profile");
    }
    format!("{path} has no such profile; it has {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `gc profiles new` writes it, and as its documentation has it written by hand.
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
        read.map_err(|problem| crate::config::ConfigError::from(problem).to_string())
    }

    fn value(profile: &Profile, name: &str) -> Option<String> {
        profile.get(name).map(|setting| setting.value)
    }

    #[test]
    fn a_profile_stands_for_variables_of_other_tools() {
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
            assert_eq!(profile.no_client(), None);
        }
        assert_eq!(value(&read("hand", FILE).unwrap(), "GENESYSCLOUD_OAUTHCLIENT_ID").as_deref(), Some("other"));
        assert_eq!(value(&read("acme.eu", FILE).unwrap(), "GENESYSCLOUD_REGION").as_deref(), Some("eu-west-2"));
    }

    #[test]
    fn what_cannot_sign_in_says_why_and_hands_out_no_client() {
        for (name, reason, region) in [("browser", BROWSER, Some("mypurecloud.de")), ("token", TOKEN, None)] {
            let profile = read(name, FILE).unwrap();
            assert_eq!(profile.no_client(), Some(reason));
            assert_eq!(value(&profile, "GENESYSCLOUD_OAUTHCLIENT_ID"), None);
            assert_eq!(value(&profile, "GENESYSCLOUD_REGION").as_deref(), region);
        }
        let both = "[x]\naccess_token = 't'\nclient_credentials = 'i'\nclient_secret = 's'\n";
        assert_eq!(read("x", both).unwrap().no_client(), None);
    }

    #[test]
    fn what_is_wrong_with_the_file_is_said_without_what_is_in_it() {
        for (name, text, part) in [
            ("prod", FILE, "has no such profile; it has Hand, acme, browser, default, token"),
            ("client_secret", "client_secret = 'hunter2'\n", "holds no profile"),
            ("x", "[x]\nclient_secret = hunter2\n", "line 2 is not TOML"),
            ("x", "[x]\n\n[x]\nclient_secret = 'hunter2'\n", "line 3 is not TOML"),
            ("x", &"[".repeat(100_000), "line 1 is not TOML"),
            ("x", &format!("a = {}", "[".repeat(100_000)), "line 1 is not TOML"),
        ] {
            let error = read(name, text).err().unwrap();
            assert!(error.starts_with(&format!("--profile {name}: ")) && error.contains(part), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let nowhere = Profile::read("x", None, Path::new("/nowhere")).err().unwrap();
        assert!(format!("{nowhere:?}").contains("~/.gc/config.toml, and there is no such file"), "{nowhere:?}");
    }

    #[test]
    fn without_one_at_home_the_file_of_the_folder_counts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), "[x]\nenvironment = 'here'\n").unwrap();
        let read = |home: Option<&str>| value(&Profile::read("x", home, folder.path()).ok()?, "GENESYSCLOUD_REGION");
        assert_eq!(read(None).as_deref(), Some("here"));
        let home = home("[x]\nenvironment = 'there'\n");
        assert_eq!(read(home.path().to_str()).as_deref(), Some("there"));
    }
}
