//! What a check needs.

use crate::cli::CheckArgs;

use super::conversations::{self, Need};
use super::env::Env;
use super::error::Problems;
use super::stdin::Stdin;
use super::{Credentials, Endpoints, Network, SourceChoice, Targets, account, groups, network};

/// What a check needs: as much as tailing does before it prints anything.
#[derive(Debug)]
pub struct Check {
    /// The ids of the conversations, each once, in the order they were named; there may be none.
    pub conversations: Vec<String>,
    /// The queues and users; there may be none.
    pub groups: Targets,
    /// Where the API and the token endpoint are.
    pub endpoints: Endpoints,
    /// Who signs in.
    pub credentials: Credentials,
    /// Which wire to ask; with queues or users, [`SourceChoice::Notifications`].
    pub source: SourceChoice,
    /// How the network is reached.
    pub network: Network,
}

pub(super) fn resolve(
    args: CheckArgs,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Check> {
    let CheckArgs { target, account, network } = args;
    warnings.extend(network::typed_password(&network));
    let network = network::resolve(network, env, problems);
    let source = groups::source(&target, problems);
    let conversations = conversations::resolve(&target, Need::Optional, env, stdin, problems);
    let groups = groups::resolve(&target, problems);
    let (endpoints, credentials) = account::resolve(&account, env, stdin, problems, warnings);
    Some(Check { conversations, groups, endpoints: endpoints?, credentials: credentials?, source, network: network? })
}
