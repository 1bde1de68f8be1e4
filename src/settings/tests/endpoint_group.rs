//! Region, API URL and login URL as one group (R14, R15, CLI-62 to CLI-64, TGT-4).

use super::*;

/// A URL of a conversation in Ireland.
const IE: &str =
    "https://apps.mypurecloud.ie/directory/#/engage/admin/interactions/97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
const DE: &str = "apps.mypurecloud.de/directory/#/analytics/interactions/97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77/admin";

/// The lines that a simulator left behind.
const LEFT_OVER: &str = "GENESYS_API_URL=http://127.0.0.1:1\nGENESYS_LOGIN_URL=http://127.0.0.1:1/oauth/token\n";

/// Returns the API URL, the token endpoint and the warnings.
fn resolved(given: &Given<'_>, args: &[&str]) -> (String, String, Vec<String>) {
    let Resolved { task, messages, .. } = given.resolve(args).unwrap();
    let endpoints = match task {
        Task::Tail(config) => config.endpoints,
        Task::Check(check) => check.endpoints,
        task => panic!("{task:?}"),
    };
    (endpoints.api.into(), endpoints.token.into(), messages.warnings)
}

fn of_domain(domain: &str) -> (String, String) {
    (format!("https://api.{domain}/"), format!("https://login.{domain}/oauth/token"))
}

#[test]
fn the_command_line_replaces_the_variables_of_the_whole_group() {
    type Case<'a> = (&'a [&'a str], &'a str, (String, String));
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("ids");
    std::fs::write(&list, IE).unwrap();
    let list = format!("@{}", list.display());
    let gateway = ("https://gw.example/p/".to_owned(), "https://gw.example/p/oauth/token".to_owned());
    let ie = || of_domain("mypurecloud.ie");
    let url = "the URL of apps.mypurecloud.ie";
    let cases: [Case<'_>; 9] = [
        (&["--region", "eu-west-1"], "--region", ie()),
        (&["check", "--region", "eu-west-1"], "--region", ie()),
        (&[IE], url, ie()),
        (&["-c", IE], url, ie()),
        (&["check", IE], url, ie()),
        (&["-c", &list], url, ie()),
        (&["--queue", "https://apps.mypurecloud.ie/#/admin/queues/97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77"], url, ie()),
        (&["--region", "euw1", IE], "--region", ie()),
        (&["--api-url", "https://gw.example/p"], "--api-url", gateway),
    ];
    for (args, by, (api, token)) in cases {
        let names = "GENESYS_REGION, GENESYSCLOUD_REGION, GENESYS_API_URL, GENESYS_LOGIN_URL";
        let variables = [("GENESYS_REGION", "us-west-2"), ("GENESYSCLOUD_REGION", "nonsense"), LOCAL];
        let variables = [&variables[..], &[("GENESYS_LOGIN_URL", "http://127.0.0.1:1")]].concat();
        let warning = format!("{by} overrides {names}");
        assert_eq!(resolved(&complete(&variables), args), (api.clone(), token.clone(), vec![warning]), "{args:?}");
        assert_eq!(resolved(&complete(&[]), args), (api.clone(), token.clone(), vec![]), "{args:?}");
        let (found_api, found_token, warnings) = resolved(&Given { file: LEFT_OVER, ..complete(&[]) }, args);
        assert_eq!((found_api, found_token), (api, token), "{args:?}");
        let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
        assert!(warning.starts_with(&format!("{by} overrides GENESYS_API_URL in ")), "{warning}");
        assert!(warning.contains(".env, GENESYS_LOGIN_URL in "), "{warning}");
    }
}

#[test]
fn variables_that_name_the_same_endpoints_cause_no_warning() {
    let (api, token) = of_domain("mypurecloud.ie");
    for (variables, args) in [
        (&[("GENESYS_REGION", "EU_WEST_1"), ("GENESYSCLOUD_REGION", "mypurecloud.ie")][..], &[IE][..]),
        (&[("GENESYS_API_URL", "https://api.mypurecloud.ie")], &["--region", "eu-west-1"]),
        (&[("GENESYS_LOGIN_URL", "https://login.mypurecloud.ie")], &["--region", "eu-west-1"]),
        (&[("GENESYS_REGION", "euw1")], &[]),
    ] {
        let expected = (api.clone(), token.clone(), vec![]);
        assert_eq!(resolved(&complete(variables), args), expected, "{variables:?} {args:?}");
    }
}

#[test]
fn a_found_file_that_overrides_the_region_of_the_environment_causes_a_warning() {
    let found = Given { file: LEFT_OVER, ..complete(&[("GENESYS_REGION", "eu-west-1")]) };
    let (api, _, warnings) = resolved(&found, &[]);
    assert_eq!(api, "http://127.0.0.1:1/");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(
        warning.starts_with("GENESYS_API_URL in ") && warning.ends_with(".env overrides GENESYS_REGION"),
        "{warning}"
    );
    let region_in_file = format!("{LEFT_OVER}GENESYS_REGION=eu-west-1\n");
    for given in [
        Given { file: LEFT_OVER, ..complete(&[]) },
        Given { file: &region_in_file, ..complete(&[]) },
        complete(&[LOCAL, ("GENESYS_REGION", "eu-west-1")]),
    ] {
        assert_eq!(resolved(&given, &[]).2, [""; 0]);
    }
}

#[test]
fn a_login_url_replaces_only_the_token_endpoint() {
    let (api, _) = of_domain("mypurecloud.ie");
    let login = ["--login-url", "https://login.example"];
    let token = "https://login.example/oauth/token".to_owned();
    let typed = [&["--region", "eu-west-1"], &login[..]].concat();
    assert_eq!(resolved(&complete(&[]), &typed), (api.clone(), token.clone(), vec![]));
    let region = complete(&[("GENESYS_REGION", "eu-west-1"), ("GENESYS_LOGIN_URL", "https://other.example")]);
    assert_eq!(resolved(&region, &login), (api, token, vec![]));
}

/// TGT-4.
#[test]
fn a_url_names_the_region_of_its_conversation() {
    let ie = of_domain("mypurecloud.ie");
    let found = |given: Given<'_>, args: &[&str]| {
        let (api, token, warnings) = resolved(&given, args);
        assert_eq!(warnings, [""; 0], "{args:?}");
        (api, token)
    };
    assert_eq!(found(complete(&[]), &[IE]), ie);
    assert_eq!(found(complete(&[("GENESYS_CONVERSATION_ID", IE)]), &[]), ie);
    assert_eq!(found(complete(&[("GENESYS_CONVERSATION_ID", DE)]), &[IE]), ie);
    assert_eq!(found(complete(&[]), &[IE, TWO, "-c", &IE.replace("mypurecloud.ie", "euw1.pure.cloud")]), ie);
    assert_eq!(found(complete(&[]), &[&IE.replace("mypurecloud.ie", "usw2.pure.cloud")]), of_domain("usw2.pure.cloud"));
    let local = ("http://127.0.0.1:1/".to_owned(), "http://127.0.0.1:1/oauth/token".to_owned());
    assert_eq!(found(complete(&[]), &["--api-url", LOCAL.1, IE, DE]), local);
    assert_eq!(found(complete(&[LOCAL, ("GENESYS_CONVERSATION_ID", IE)]), &[]), local);
    let foreign = IE.replace("apps.mypurecloud.ie", "mypurecloud.ie.example.com");
    assert_eq!(found(complete(&[]), &[&foreign]), of_domain("mypurecloud.com"));
}

/// CLI-64, TGT-4.
#[test]
fn contradictory_regions_are_reported() {
    let ie = "the URL of apps.mypurecloud.ie";
    let cases: [(&[&str], String); 12] = [
        (&[IE, DE], format!("{ie} and the URL of apps.mypurecloud.de name different regions")),
        (&["check", IE, DE], format!("{ie} and the URL of apps.mypurecloud.de name different regions")),
        (&[IE, "--region", "us-east-1"], format!("--region us-east-1 and {ie} name different regions")),
        (&["--queue", IE, "--region", "usw2"], format!("--region usw2 and {ie} name different regions")),
        (
            &["--region", "us-east-1", "--region", "eu-west-1"],
            "--region us-east-1 and --region eu-west-1 name different regions".into(),
        ),
        (&["--region", "eu-west-1", "--api-url", LOCAL.1], "--api-url is outside --region eu-west-1".into()),
        (
            &["--region", "eu-west-1", "--api-url", "https://gw.example"],
            "--api-url is outside --region eu-west-1".into(),
        ),
        (
            &["--region", "eu-west-1", "--api-url", "https://api.mypurecloud.de"],
            "--region eu-west-1 and --api-url name different regions".into(),
        ),
        (
            &["--region", "eu-west-1", "--login-url", "https://login.mypurecloud.de"],
            "--region eu-west-1 and --login-url name different regions".into(),
        ),
        (
            &["--api-url", "https://api.mypurecloud.ie", "--login-url", "https://login.mypurecloud.de"],
            "--api-url and --login-url name different regions".into(),
        ),
        (
            &["--region", "europe", "--api-url", LOCAL.1],
            "--region: 'europe' is not a region such as us-east-1 or mypurecloud.ie".into(),
        ),
        (
            &["--region", "euw1", "--region", "europe"],
            "--region: 'europe' is not a region such as us-east-1 or mypurecloud.ie".into(),
        ),
    ];
    for (args, message) in cases {
        assert_eq!(complete(&[]).error(args), message, "{args:?}");
    }
    let variable = complete(&[("GENESYS_REGION", "us-east-1"), ("GENESYS_CONVERSATION_ID", IE)]);
    assert_eq!(variable.error(&[]), format!("GENESYS_REGION and {ie} name different regions"));
    for args in [
        &["--region", "eu-west-1", "--api-url", "https://api.mypurecloud.ie"][..],
        &["--region", "eu-west-1", "--region", "euw1", IE],
        &["--region", "eu-west-1", "--login-url", "https://login.example"],
    ] {
        assert_eq!(resolved(&complete(&[]), args).0, "https://api.mypurecloud.ie/", "{args:?}");
    }
}
