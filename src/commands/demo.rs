//! `--demo`: follows a simulated conversation.

use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::tail::tail;
use crate::config::{Config, Credentials, Demo, Endpoints, FollowedMedia};
use crate::simulator::{self, Script, Simulator};
use crate::status::logging::Log;
use crate::system::stdout::Stdout;

/// Follows the conversation of the script `demo`, with repeats and one late outage, so that the user sees a reconnect.
///
/// # Errors
///
/// The failure of the simulator or of the tail, which was not reported.
pub(super) async fn demo(demo: Demo, stdout: Stdout, log: &Log, stop: &CancellationToken) -> Result<(), Error> {
    let options = simulator::Options {
        script: Script::built_in("demo").expect("a built-in script"),
        faults: vec![
            "socket:replay,times=always".parse()?,
            "socket:close=1011,reason=the demo does this on purpose,after=11".parse()?,
            "notify:close=1001,after=18".parse()?,
        ],
        ..simulator::Options::default()
    };
    let simulator = Simulator::start(options).await.map_err(Error::Simulator)?;
    let base: url::Url = simulator.base_url().parse().expect("a URL");
    let token = base.join("/oauth/token").expect("a URL");
    let config = Config {
        conversations: vec![simulator.first_conversation().id().to_owned()],
        endpoints: Endpoints { api: base, token },
        credentials: Credentials {
            client_id: simulator.client_id().to_owned(),
            client_secret: simulator.client_secret().into(),
        },
        targets: Vec::new(),
        media: FollowedMedia::default(),
        source: demo.source,
        history: demo.history,
        connection: demo.connection,
        output: demo.output,
        record: demo.record,
        cursor: None,
        events: None,
    };
    tail(config, stdout, log, stop).await
}
