//! Whose conversations, and where they are.

use crate::cli::AccountArgs;

use super::env::Env;
use super::error::Problems;
use super::stdin::Stdin;
use super::{Credentials, Endpoints, credentials, endpoints};

/// Where to sign in, and as whom. What is missing a problem says.
pub(super) fn resolve(
    args: &AccountArgs,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> (Option<Endpoints>, Option<Credentials>) {
    let endpoints = endpoints::resolve(args, env, problems, warnings);
    let credentials = credentials::resolve(args, env, stdin, problems);
    if endpoints.as_ref().is_some_and(|endpoints| !endpoints.are_local()) {
        warnings.extend(env.exposed_secrets());
    }
    warnings.extend(env.overridden_profile());
    warnings.extend(unused_gateway(args, env));
    (endpoints, credentials)
}

/// A warning when other Genesys tools would go through a gateway from here.
fn unused_gateway(args: &AccountArgs, env: &Env) -> Option<String> {
    let gateway = env.get("GENESYSCLOUD_GATEWAY_HOST").filter(|_| endpoints::api_of(args, env).is_none())?;
    Some(format!("{} is not taken; --api-url and --login-url lead through a gateway", gateway.name))
}
