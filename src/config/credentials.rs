//! Who signs in.

use std::fs;
use std::path::Path;

use secrecy::SecretString;

use crate::cli::AccountArgs;
use crate::system::io_error;

use super::env::Env;
use super::error::Problems;
use super::stdin::Stdin;

pub(super) const SECRET_NAMES: [&str; 2] = ["GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"];
pub(super) const ID_NAMES: [&str; 2] = ["GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"];

/// An OAuth client of the client-credentials grant.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The public half; not empty.
    pub client_id: String,
    /// The other half; not empty.
    pub client_secret: SecretString,
}

pub(super) fn resolve(
    args: &AccountArgs,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
) -> Option<Credentials> {
    let id = env.flag_or(args.client_id.as_deref(), "--client-id", &ID_NAMES);
    if id.is_none() {
        problems.missing("client id", "--client-id, GENESYS_CLIENT_ID, GENESYSCLOUD_OAUTHCLIENT_ID");
    }
    let path = args.client_secret_file.as_deref().filter(|path| !path.as_os_str().is_empty());
    let secret = match path {
        Some(path) => from_file(path, stdin, problems),
        None => from_variable(env, problems),
    };
    if let Some((setting, reason)) = env.no_client().filter(|_| id.is_none() || secret.is_none()) {
        problems.unusable(setting, reason);
    }
    Some(Credentials { client_id: id?.value.trim().to_owned(), client_secret: secret? })
}

fn from_variable(env: &Env, problems: &mut Problems) -> Option<SecretString> {
    let secret = SECRET_NAMES.iter().find_map(|name| env.get(name));
    if secret.is_none() {
        let names = "GENESYS_CLIENT_SECRET, GENESYSCLOUD_OAUTHCLIENT_SECRET, --client-secret-file";
        problems.missing("client secret", names);
    }
    secret.map(|setting| setting.value.into())
}

/// All of the file but one line break at its end, which every editor leaves.
fn from_file(path: &Path, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Option<SecretString> {
    let setting = || format!("--client-secret-file {}", path.display());
    let text = if path == Path::new("-") {
        stdin.take("--client-secret-file -")
    } else {
        fs::read_to_string(path).map_err(|error| io_error::describe(&error))
    };
    let text = text.map_err(|reason| problems.unusable(setting(), reason)).ok()?;
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.trim().is_empty() {
        problems.unusable(setting(), "it holds no secret");
        return None;
    }
    Some(secret.to_owned().into())
}
