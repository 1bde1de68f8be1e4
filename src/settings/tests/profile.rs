//! Profiles of `gc`, and variables of other Genesys tools.

use super::*;
use crate::config::ProxyLogin;

const FILE: &str = "\
[default]
environment = 'mypurecloud.ie'
client_credentials = 'of-profile'
client_secret = 'hunter2'
grant_type = '1'
access_token = ''
proxy_protocol = 'http'
proxy_host = 'proxy.example'
proxy_port = '3128'
proxy_username = 'ada'
proxy_password = 'hunter3'

[half]
client_credentials = 'of-half'

[token]
environment = 'us-east-1'
access_token = 'hunter4'
";

/// Creates a home directory with profiles.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".gc")).unwrap();
    std::fs::write(home.path().join(".gc/config.toml"), FILE).unwrap();
    home
}

fn given<'a>(home: &'a tempfile::TempDir, more: &[(&'a str, &'a str)]) -> Given<'a> {
    Given { env: [&[(crate::system::environment::HOME, home.path().to_str().unwrap())], more].concat(), ..nothing() }
}

#[test]
fn a_profile_supplies_settings_that_are_not_set_elsewhere() {
    let home = home();
    let config = given(&home, &[]).tail(&[ONE, "--profile", "DEFAULT"]);
    assert_eq!(config.endpoints.api.as_str(), "https://api.mypurecloud.ie/");
    assert_eq!(config.credentials.client_id, "of-profile");
    assert_eq!(config.credentials.client_secret.expose_secret(), "hunter2");
    let proxy = config.connection.network.proxy.unwrap();
    assert_eq!(proxy.url.as_str(), "http://proxy.example:3128/");
    let ProxyLogin { user, password } = proxy.login.unwrap();
    assert_eq!((user.as_str(), password.expose_secret()), ("ada", "hunter3"));
    assert!(matches!(given(&home, &[]).resolve(&["check", "--profile", "default"]).unwrap().task, Task::Check(_)));
}

#[test]
fn the_files_that_were_read_are_known() {
    let home = home();
    let given = Given { file: "A=1", ..given(&home, &COMPLETE) };
    let files = given.resolve(&["--profile", "default"]).unwrap().files;
    assert!(files.env_file.unwrap().ends_with(".env"));
    let profile = ProfileFile { name: "default".to_owned(), path: home.path().join(".gc/config.toml") };
    assert_eq!(files.profile, Some(profile));
    assert_eq!(complete(&[]).resolve(&[]).unwrap().files, SettingsFiles::default());
}

/// CLI-62, CLI-63.
#[test]
fn a_profile_precedes_variables_and_flags_precede_a_profile() {
    let home = home();
    let file = "GENESYS_CLIENT_ID=of-file\nGENESYS_LOGIN_URL=http://127.0.0.1:1\n";
    let more = [
        ("GENESYSCLOUD_REGION", "us-west-2"),
        ("GENESYS_REGION", "mypurecloud.ie"),
        ("GENESYS_CLIENT_SECRET", "other"),
        ("HTTPS_PROXY", "http://other.example"),
    ];
    let given = Given { file, ..given(&home, &more) };
    let resolved = given.resolve(&[ONE, "--profile", "default"]).unwrap();
    let Task::Tail(config) = resolved.task else { panic!("not a tail") };
    assert_eq!(config.endpoints.api.as_str(), "https://api.mypurecloud.ie/");
    assert_eq!(config.endpoints.token.as_str(), "https://login.mypurecloud.ie/oauth/token");
    assert_eq!(config.credentials.client_id, "of-profile");
    assert_eq!(config.credentials.client_secret.expose_secret(), "hunter2");
    assert_eq!(config.connection.network.proxy.unwrap().url.as_str(), "http://other.example/");
    let warnings = resolved.messages.warnings;
    let warning = warnings.iter().find(|warning| warning.starts_with("--profile default overrides ")).unwrap();
    assert!(warning.contains("overrides GENESYSCLOUD_REGION, GENESYS_LOGIN_URL in "), "{warning}");
    assert!(!warning.contains("GENESYS_REGION"), "the same region: {warning}");
    let typed = given.tail(&[ONE, "--profile", "default", "--client-id", "typed", "--region", "eu-west-2"]);
    assert_eq!(
        (typed.credentials.client_id.as_str(), typed.endpoints.api.as_str()),
        ("typed", "https://api.euw2.pure.cloud/")
    );
}

/// CLI-72.
#[test]
fn a_profile_without_a_complete_client_is_refused_although_variables_are_set() {
    let home = home();
    for (name, reason) in [
        ("token", "contains an access token, which cannot be renewed"),
        ("half", "contains no OAuth client (client_credentials, client_secret)"),
        ("none", "no such profile in "),
    ] {
        let error = given(&home, &COMPLETE).error(&["--profile", name]);
        assert!(error.starts_with(&format!("--profile {name}: {reason}")), "{error}");
        assert!(!error.contains("missing") && !error.contains("hunter"), "{error}");
    }
}

// Windows has no file modes.
#[cfg(unix)]
#[test]
fn a_profile_that_other_users_can_read_causes_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = home();
    for (mode, expected) in [(0o644, true), (0o600, false)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(home.path().join(".gc/config.toml"), permissions).unwrap();
        let warnings = given(&home, &[]).resolve(&[ONE, "--profile", "default"]).unwrap().messages.warnings;
        assert_eq!(
            warnings.iter().any(|warning| warning.contains("other users can read the client secret in ")),
            expected,
            "{warnings:?}"
        );
        assert!(!warnings.join(" ").contains("hunter2"));
    }
}

#[test]
fn without_the_flag_profiles_appear_in_the_hint_only() {
    let home = home();
    let error = given(&home, &[]).resolve(&[ONE]).unwrap_err();
    assert!(error.to_string().starts_with("settings missing: client id ("), "{error}");
    assert!(error.hint().contains("--profile NAME"));
    assert!(!nothing().resolve(&[ONE]).unwrap_err().hint().contains("--profile"));
    assert!(given(&home, &COMPLETE).resolve(&[]).unwrap().messages.warnings.is_empty());
}

#[test]
fn a_token_is_reported_as_no_client() {
    let home = home();
    let error = given(&home, &[]).error(&[ONE, "--profile", "token"]);
    assert!(error.contains("--profile token: contains an access token, which cannot be renewed"), "{error}");
    assert!(!error.contains("missing"), "{error}");
    let error = given(&home, &[("GENESYSCLOUD_ACCESS_TOKEN", "hunter5")]).error(&[ONE]);
    assert!(error.contains("settings missing: client id ("), "{error}");
    assert!(error.contains("GENESYSCLOUD_ACCESS_TOKEN: not supported, because a token cannot be renewed"), "{error}");
    assert!(!error.contains("hunter"), "{error}");
    assert!(complete(&[("GENESYSCLOUD_ACCESS_TOKEN", "x")]).resolve(&[]).is_ok());
    let client = ["--client-id", "a", "--client-secret-file", "-", "--profile", "token"];
    let config = Given { stdin: "secret\n", ..given(&home, &[]) }.tail(&[&[ONE], &client[..]].concat());
    assert_eq!(config.endpoints.api.as_str(), "https://api.mypurecloud.com/");
}

#[test]
fn variables_of_the_terraform_provider_are_enough() {
    let env = vec![
        ("GENESYSCLOUD_REGION", "eu-central-1"),
        ("GENESYSCLOUD_OAUTHCLIENT_ID", "client"),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "secret"),
        ("GENESYSCLOUD_PROXY_PROTOCOL", "https"),
        ("GENESYSCLOUD_PROXY_HOST", "proxy.example"),
        ("GENESYSCLOUD_PROXY_PORT", "8443"),
        ("GENESYSCLOUD_PROXY_AUTH_USERNAME", "ada"),
        ("GENESYSCLOUD_PROXY_AUTH_PASSWORD", "p@ss/word"),
    ];
    let config = Given { env: env.clone(), ..nothing() }.tail(&[ONE]);
    assert_eq!(config.endpoints.api.as_str(), "https://api.mypurecloud.de/");
    let proxy = config.connection.network.proxy.unwrap();
    assert_eq!(proxy.url.as_str(), "https://proxy.example:8443/");
    assert_eq!(proxy.login.unwrap().password.expose_secret(), "p@ss/word");
    for host in ["http://proxy.example:3128/", "proxy.example:3128/"] {
        let env = [&env[..3], &[("GENESYSCLOUD_PROXY_HOST", host)]].concat();
        let proxy = Given { env, ..nothing() }.tail(&[ONE]).connection.network.proxy.unwrap();
        assert_eq!(proxy.url.as_str(), "http://proxy.example:3128/", "{host}");
    }
    let gateway = [&env[..3], &[("GENESYSCLOUD_GATEWAY_HOST", "gateway.example")]].concat();
    let warnings = Given { env: gateway, ..nothing() }.resolve(&[ONE]).unwrap().messages.warnings;
    assert!(warnings[0].starts_with("GENESYSCLOUD_GATEWAY_HOST is ignored"), "{warnings:?}");
    let odd = [&env[..3], &[("GENESYSCLOUD_PROXY_HOST", "hunter2@a b")]].concat();
    let error = Given { env: odd, ..nothing() }.error(&[ONE]);
    assert!(error.contains("GENESYSCLOUD_PROXY_HOST: not a URL") && !error.contains("hunter2"), "{error}");
}

#[test]
fn regions_are_understood_as_other_tools_write_them() {
    for (written, api) in [
        ("mypurecloud.com", "https://api.mypurecloud.com/"),
        ("us-east-1", "https://api.mypurecloud.com/"),
        ("use2.us-gov-pure.cloud", "https://api.use2.us-gov-pure.cloud/"),
        ("us-east-2", "https://api.use2.us-gov-pure.cloud/"),
        ("me_central_1", "https://api.mec1.pure.cloud/"),
        ("ap-northeast-3", "https://api.apne3.pure.cloud/"),
        ("mypurecloud.com.au", "https://api.mypurecloud.com.au/"),
    ] {
        let config = complete(&[("GENESYSCLOUD_REGION", written)]).tail(&[]);
        assert_eq!(config.endpoints.api.as_str(), api, "{written}");
    }
}

#[test]
fn a_user_in_the_form_of_curl_is_not_shown() {
    let error = complete(&[]).error(&["--user", "client:hunter2"]);
    assert!(error.contains("--user: not a user: contains a colon") && !error.contains("hunter2"), "{error}");
}
