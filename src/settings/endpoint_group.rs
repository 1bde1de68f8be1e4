//! Region, API URL and login URL as one group: a flag, a profile or a URL on the command line replaces all of its variables
//! (CLI-62 to CLI-64, TGT-4).

use crate::cli::AccountArgs;
use crate::config::Endpoints;
use crate::config::region::{self, Hosts};

use super::arguments::{Argument, ArgumentOrigin};
use super::endpoints;
use super::env::{Env, REGION_VARIABLES};
use super::problems::{Problem, Problems, Setting, tip_for_similar};

const API_URL: &str = "GENESYS_API_URL";
const LOGIN_URL: &str = "GENESYS_LOGIN_URL";

/// The resolved group.
pub(super) struct EndpointGroup {
    /// `None` if a problem was added.
    pub(super) endpoints: Option<Endpoints>,
    /// Set if an API URL replaces the region.
    pub(super) has_api_url: bool,
}

/// The setting that selects the endpoints.
enum Selector {
    ApiUrl(Setting),
    Region(Setting),
    /// A URL of a conversation, a queue or a user.
    Pasted(NamedRegion),
    Default,
}

/// A region and the words that name its setting in a message.
#[derive(Clone)]
struct NamedRegion {
    label: String,
    hosts: Hosts,
}

/// The selector, and the part of the command line that overrides the variables.
struct Choice {
    selector: Selector,
    /// The flag, or the words for the URL, if the command line selects the endpoints.
    typed: Option<String>,
}

/// Resolves the group. `arguments` are the targets, whose URLs name a region.
pub(super) fn resolve(args: &AccountArgs, env: &Env, arguments: &[Argument], problems: &mut Problems) -> EndpointGroup {
    let pasted = pasted_regions(arguments);
    let is_pasted_on_command_line = arguments.iter().any(|argument| argument.place != ArgumentOrigin::Variable);
    let choice = Choice::new(args, env, pasted.first().cloned(), is_pasted_on_command_line);
    let has_api_url = matches!(choice.selector, Selector::ApiUrl(_));
    if let Some(reason) = contradiction(args, env, &choice, &pasted) {
        problems.contradictory(reason);
    }
    let login = choice.login_url(args, env);
    let token = login.map(|login| endpoints::login_url(&login, problems).ok_or(()));
    let endpoints = choice.endpoints(problems).and_then(|of_choice| match token.transpose().ok()? {
        Some(token) => Some(Endpoints { token, ..of_choice }),
        None => Some(of_choice),
    });
    check_unused_regions(args, has_api_url, problems);
    problems.warn(endpoints.as_ref().and_then(|endpoints| choice.overridden_variables(env, endpoints)));
    problems
        .warn(endpoints.as_ref().and_then(|endpoints| choice.region_overridden_by_found_file(args, env, endpoints)));
    EndpointGroup { endpoints, has_api_url }
}

impl Choice {
    fn new(args: &AccountArgs, env: &Env, pasted: Option<NamedRegion>, is_pasted_on_command_line: bool) -> Self {
        let typed = |selector, by: String| Self { selector, typed: Some(by) };
        let of_variable = |selector| Self { selector, typed: None };
        if let Some(url) = typed_api_url(args, env) {
            return typed(Selector::ApiUrl(url), "--api-url".into());
        }
        if let Some(region) = typed_regions(args).next() {
            return typed(Selector::Region(region), "--region".into());
        }
        if let Some(pasted) = pasted.clone().filter(|_| is_pasted_on_command_line) {
            let by = pasted.label.clone();
            return typed(Selector::Pasted(pasted), by);
        }
        if let Some((region, flag)) = env.profile_value(REGION_VARIABLES[1]).zip(env.profile_flag()) {
            return typed(Selector::Region(region), flag);
        }
        if let Some(url) = env.variable(API_URL) {
            return of_variable(Selector::ApiUrl(url));
        }
        match (env.first_variable(&REGION_VARIABLES), pasted) {
            (Some(region), _) => of_variable(Selector::Region(region)),
            (None, Some(pasted)) => of_variable(Selector::Pasted(pasted)),
            (None, None) => of_variable(Selector::Default),
        }
    }

    fn endpoints(&self, problems: &mut Problems) -> Option<Endpoints> {
        let (name, value, hosts) = match &self.selector {
            Selector::ApiUrl(url) => return endpoints::of_api_url(endpoints::checked_url(url, problems)?, None),
            Selector::Region(setting) => (&setting.name, &setting.value, known_hosts(setting, problems)?),
            Selector::Pasted(NamedRegion { label, hosts }) => (label, &hosts.api, hosts.clone()),
            Selector::Default => return region::hosts(region::DEFAULT).as_ref().map(endpoints::of_hosts),
        };
        if hosts.guessed {
            let (api, known) = (&hosts.api, region::known_names());
            let similar = tip_for_similar(value).map_or_else(String::new, |tip| format!("; {tip}"));
            problems.warn([format!(
                "{name}: '{value}' is not a known region, using {api}{similar}; known regions: {known}"
            )]);
        }
        Some(endpoints::of_hosts(&hosts))
    }

    /// Returns the setting of the login URL. The variable counts only if the command line selects no endpoints.
    fn login_url(&self, args: &AccountArgs, env: &Env) -> Option<Setting> {
        let variables: &[&str] = if self.typed.is_some() { &[] } else { &[LOGIN_URL] };
        env.flag_or(args.login_url.as_deref(), "--login-url", variables)
    }

    /// Returns the warning about variables that the command line overrides, unless they name the same endpoints.
    fn overridden_variables(&self, env: &Env, endpoints: &Endpoints) -> Option<String> {
        let typed = self.typed.as_ref()?;
        let is_region = |region: &str| region::hosts(region).is_some_and(|hosts| is_of(endpoints, &hosts));
        let regions = REGION_VARIABLES.iter().filter_map(|name| env.variable(name));
        let regions = regions.filter(|setting| !is_region(&setting.value));
        let api = env.variable(API_URL).filter(|url| !endpoints::is_api(&url.value, &endpoints.api));
        let login = env.variable(LOGIN_URL).filter(|url| !endpoints::is_login(&url.value, &endpoints.token));
        let names: Vec<String> = regions.chain(api).chain(login).map(|setting| setting.name).collect();
        (!names.is_empty()).then(|| format!("{typed} overrides {}", names.join(", ")))
    }

    /// Returns the warning about a region of the environment that an API URL of a discovered `.env` overrides: the file may
    /// belong to another program, and the client secret goes to its URL.
    fn region_overridden_by_found_file(&self, args: &AccountArgs, env: &Env, endpoints: &Endpoints) -> Option<String> {
        let Self { selector: Selector::ApiUrl(url), typed: None } = self else { return None };
        let is_from_found_file = url.name != API_URL && args.env_file.is_none();
        let mut regions =
            REGION_VARIABLES.iter().filter_map(|name| env.variable(name).filter(|setting| setting.name == **name));
        let is_other = |region: &Setting| region::hosts(&region.value).is_none_or(|hosts| !is_of(endpoints, &hosts));
        let region = regions.find(is_other).filter(|_| is_from_found_file)?;
        Some(format!("{} overrides {}", url.name, region.name))
    }
}

/// Returns whether the API of `endpoints` is that of a region.
fn is_of(endpoints: &Endpoints, hosts: &Hosts) -> bool {
    endpoints.api == endpoints::of_hosts(hosts).api
}

fn typed_api_url(args: &AccountArgs, env: &Env) -> Option<Setting> {
    env.flag_or(args.api_url.as_deref(), "--api-url", &[])
}

fn typed_regions(args: &AccountArgs) -> impl Iterator<Item = Setting> {
    let values = args.regions.iter().map(|region| region.trim()).filter(|region| !region.is_empty());
    values.map(|value| Setting { value: value.to_owned(), name: "--region".to_owned() })
}

fn known_hosts(setting: &Setting, problems: &mut Problems) -> Option<Hosts> {
    let hosts = region::hosts(&setting.value);
    if hosts.is_none() {
        problems.add(Problem::UnknownRegion { setting: setting.name.clone(), value: setting.value.clone() });
    }
    hosts
}

/// Reports the regions on the command line that are no regions and that do not select the endpoints.
fn check_unused_regions(args: &AccountArgs, has_api_url: bool, problems: &mut Problems) {
    typed_regions(args).skip(usize::from(!has_api_url)).for_each(|region| {
        known_hosts(&region, problems);
    });
}

/// Returns the regions of Genesys URLs among the targets.
fn pasted_regions(arguments: &[Argument]) -> Vec<NamedRegion> {
    let urls = arguments.iter().map(|argument| &argument.value).filter(|value| value.contains('/'));
    urls.filter_map(|url| named_region(url)).collect()
}

fn named_region(url: &str) -> Option<NamedRegion> {
    let label = format!("the URL of {}", region::host_of(url)?);
    region::hosts_of_url(url).map(|hosts| NamedRegion { label, hosts })
}

/// Returns the first contradiction between the settings of the group (CLI-64, TGT-4).
fn contradiction(args: &AccountArgs, env: &Env, choice: &Choice, pasted: &[NamedRegion]) -> Option<String> {
    let typed = typed_regions(args).filter_map(|region| of_setting(&region)).collect::<Vec<_>>();
    let api = typed_api_url(args, env);
    let region_of_api = api.as_ref().and_then(of_url);
    if let (Some(url), None, Some(region)) = (&api, &region_of_api, typed.first()) {
        return Some(format!("{} is outside {}", url.name, region.label));
    }
    let login = env.flag_or(args.login_url.as_deref(), "--login-url", &[]).filter(|_| choice.typed.is_some());
    let region_of_login = login.as_ref().and_then(of_url);
    let of_targets = regions_of_targets(&choice.selector, pasted);
    let mut regions = typed.into_iter().chain(region_of_api).chain(of_targets).chain(region_of_login);
    let first = regions.next()?;
    let other = regions.find(|region| region.hosts != first.hosts)?;
    Some(format!("{} and {} name different regions", first.label, other.label))
}

/// Returns the region that is selected and those of the targets. An API URL may lead to all of them.
fn regions_of_targets(selector: &Selector, pasted: &[NamedRegion]) -> Vec<NamedRegion> {
    let selected = match selector {
        Selector::ApiUrl(_) => return Vec::new(),
        Selector::Region(setting) => of_setting(setting),
        Selector::Pasted(_) | Selector::Default => None,
    };
    selected.into_iter().chain(pasted.iter().cloned()).collect()
}

fn of_url(Setting { value, name }: &Setting) -> Option<NamedRegion> {
    region::hosts_of_url(value).map(|hosts| NamedRegion { label: name.clone(), hosts })
}

fn of_setting(Setting { value, name }: &Setting) -> Option<NamedRegion> {
    let label = if name == "--region" { format!("--region {value}") } else { name.clone() };
    region::hosts(value).map(|hosts| NamedRegion { label, hosts })
}
