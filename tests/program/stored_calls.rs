//! The stored transcript of an ended call: printed as history, downloaded without credentials from a secret link, and every
//! failure with its own answer (CALL-8 to CALL-12, SEC-1).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::program::{Finished, Running, path_str, refusing_socket};
use crate::support::raw_server::{RawServer, Response, json_response, token_response};

/// The part of the link that is printed nowhere.
const SECRET: &str = "s3cret-signature";

/// The memory limit for a file of 30 MB, in MiB. The text of the file is held once.
const MEMORY_LIMIT: usize = 110;

const PLAIN: [&str; 3] = ["--no-follow", "--timestamps", "none"];

const TALK: &str = "[Bot] Main menu: Welcome.\n[Customer] Ada: Hello?\n[Agent] Sam: How can I help?\n";

const CLOSED: &str = "[CLOSED] Conversation terminated\n";

/// An ended call of Ada, the menu and Sam.
fn call(is_over: bool) -> String {
    let (state, end) = if is_over { ("terminated", json!("2026-01-02T03:06:00Z")) } else { ("connected", json!(null)) };
    let participant = |id: &str, purpose: &str, name: &str, joined: &str| {
        json!({"id": id, "purpose": purpose, "name": name, "connectedTime": joined, "endTime": end,
            "calls": [{"id": format!("leg-{id}"), "state": state, "connectedTime": joined}]})
    };
    let mut sam = participant("sam", "agent", "Sam", "2026-01-02T03:04:30Z");
    sam["user"] = json!({"id": "u1", "name": "Sam"});
    let participants = [
        participant("ada", "customer", "Ada", "2026-01-02T03:04:00Z"),
        participant("menu", "ivr", "Main menu", "2026-01-02T03:04:00Z"),
        sam,
    ];
    json!({"id": "c1", "endTime": end, "participants": participants}).to_string()
}

/// The stored transcript of that call. A phrase with words has the size of a real one.
fn file(further: usize) -> String {
    let start = 1_767_323_040_000_i64;
    let phrase = |index: usize, side: &str, second: i64, text: &str| {
        json!({"phraseIndex": index, "participantPurpose": side, "text": text.to_lowercase(), "decoratedText": text,
            "confidence": 0.9, "startTimeMs": start + 1000 * second})
    };
    let mut phrases = vec![
        phrase(1, "external", 10, "Hello?"),
        phrase(2, "internal", 40, "How can I help?"),
        phrase(0, "internal", 1, "Welcome."),
    ];
    let word = json!({"word": "blah", "confidence": 0.9, "startTimeMs": start, "offset": {"milliseconds": 900},
        "duration": {"milliseconds": 450}});
    for number in 0..further {
        let mut long = phrase(number, "external", 50, &format!("Phrase {number}."));
        long["words"] = Value::Array(vec![word.clone(); 50]);
        phrases.push(long);
    }
    let party = |purpose: &str, from: i64| json!({"participantPurpose": purpose, "startTimeMs": start + 1000 * from});
    let mut agent = party("agent", 30);
    agent["userId"] = json!("u1");
    json!({"conversationId": "c1", "mediaType": "call", "startTime": start,
        "transcripts": [{"language": "en-us", "phrases": phrases}],
        "participants": [party("customer", 0), party("ivr", 0), agent]})
    .to_string()
}

/// A service with an ended call. Each request for a link, and for its file, takes the next of these answers; the last one
/// stays.
struct Service {
    server: RawServer,
    /// The heads of the requests for the file.
    downloads: Arc<Mutex<Vec<String>>>,
}

type MakeResponse = Box<dyn Fn(u16) -> Response + Send + Sync>;

impl Service {
    async fn start(call: String, links: Vec<MakeResponse>, files: Vec<MakeResponse>) -> Self {
        let downloads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (heads, link_count) = (Arc::clone(&downloads), Mutex::new(0));
        let server = RawServer::start_with_port(move |head, port| {
            let next = |answers: &[MakeResponse], number: usize| answers[number.min(answers.len() - 1)](port);
            if head.starts_with("POST /oauth/token") {
                token_response()
            } else if head.contains("/communications/leg-ada/transcripturl ") {
                let mut count = link_count.lock().unwrap();
                *count += 1;
                next(&links, *count - 1)
            } else if head.contains("/transcripturl ") {
                json_response(404, r#"{"code":"resource.not.found","message":"URL is not available."}"#)
            } else if head.starts_with("GET /file") {
                let mut heads = heads.lock().unwrap();
                heads.push(head.to_owned());
                next(&files, heads.len() - 1)
            } else {
                json_response(200, &call)
            }
        })
        .await;
        Self { server, downloads }
    }

    async fn with_file(files: Vec<MakeResponse>) -> Self {
        Self::start(call(true), vec![link("/file")], files).await
    }

    async fn run(&self, args: &[&str]) -> Finished {
        Running::start(&mut self.server.program(args)).finish().await
    }
}

/// A link to this path of the server itself.
fn link(path: &'static str) -> MakeResponse {
    Box::new(move |port| {
        let url = format!("http://127.0.0.1:{port}{path}?X-Amz-Signature={SECRET}");
        json_response(200, &json!({ "url": url }).to_string())
    })
}

fn answer(status: u16, body: &str) -> MakeResponse {
    let response = json_response(status, body);
    Box::new(move |_| response.clone())
}

fn with_head(head: &'static str, body: &'static [u8]) -> MakeResponse {
    Box::new(move |_| {
        let length = body.len();
        let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        Response::Bytes([head.as_bytes(), body].concat())
    })
}

fn forbidden() -> MakeResponse {
    answer(403, r#"{"code":"forbidden","message":"Forbidden from retrieving transcript url."}"#)
}

fn missing() -> MakeResponse {
    answer(404, r#"{"code":"resource.not.found","message":"URL is not available."}"#)
}

#[tokio::test]
async fn the_transcript_of_an_ended_call_is_printed_with_names_and_downloaded_without_credentials() {
    for follow in [true, false] {
        let service = Service::with_file(vec![answer(200, &file(0))]).await;
        let args: &[&str] = if follow { &PLAIN[1..] } else { &PLAIN };
        let run = service.run(args).await;
        assert_eq!((run.code, run.stdout), (Some(0), format!("{TALK}{CLOSED}")), "{}", run.stderr);
        let downloads = service.downloads.lock().unwrap().join("").to_ascii_lowercase();
        assert!(downloads.contains(SECRET) && downloads.contains("accept-encoding: identity"), "{downloads}");
        for header in ["authorization", "cookie", "invented-token"] {
            assert!(!downloads.contains(header), "{downloads}");
        }
    }
}

#[tokio::test]
async fn lines_filters_and_json_apply_to_a_stored_transcript() {
    let service = Service::with_file(vec![answer(200, &file(0))]).await;
    for (args, expected) in [
        (&["-n", "1"][..], format!("[Agent] Sam: How can I help?\n{CLOSED}")),
        (&["-n", "2"], format!("{}{CLOSED}", &TALK[26..])),
        (&["--since", "2026-01-02T03:04:10Z"], format!("{}{CLOSED}", &TALK[26..])),
        (&["--only", "customer", "--hide", "closed"], "[Customer] Ada: Hello?\n".to_owned()),
        (&["-i", "help"], format!("[Agent] Sam: How can I help?\n{CLOSED}")),
        (&["-e", "(?i)hel"], format!("[Bot] Main menu: Welcome.\n{CLOSED}")),
    ] {
        let run = service.run(&[&PLAIN[..], args].concat()).await;
        assert_eq!((run.code, run.stdout), (Some(0), expected), "{args:?} {}", run.stderr);
    }
    let run = service.run(&["--no-follow", "--json", "--only", "agent", "--hide", "closed"]).await;
    let mut line: Value = serde_json::from_str(&run.stdout).unwrap();
    line.as_object_mut().unwrap().remove("received");
    let expected = json!({"v": 1, "type": "message", "conversation": "c1", "ts": "2026-01-02T03:04:40.000Z",
        "role": "agent", "from": {"id": "u1", "name": "Sam"}, "text": "How can I help?", "source": "history",
        "media": "call", "confidence": 0.9, "language": "en-us"});
    assert_eq!(line, expected);
}

#[tokio::test]
async fn a_recording_has_the_same_bytes_and_a_cursor_knows_the_phrases() {
    let service = Service::with_file(vec![answer(200, &file(0))]).await;
    let folder = tempfile::tempdir().unwrap();
    let (recording, cursor) = (folder.path().join("recording"), folder.path().join("cursor"));
    let run = service.run(&["--no-follow", "--json", "--record", path_str(&recording)]).await;
    let text = std::fs::read_to_string(&recording).unwrap();
    assert!(!text.contains(SECRET) && text.contains("Hello?"), "{text}");
    let mut replay = crate::support::program::bare_program(&["--replay", path_str(&recording), "--json"]);
    assert_eq!(Running::start(&mut replay).finish().await.stdout, run.stdout);

    let with_cursor = [&PLAIN[..], &["--cursor-file", path_str(&cursor)]].concat();
    assert_eq!(service.run(&with_cursor).await.stdout, format!("{TALK}{CLOSED}"));
    let again = service.run(&with_cursor).await;
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), ""), "{}", again.stderr);
    assert_eq!(service.downloads.lock().unwrap().len(), 2, "a call that was printed to its end is not read again");
}

#[tokio::test]
async fn a_run_before_the_transcript_is_available_leaves_it_to_the_next_one() {
    let service = Service::start(call(true), vec![missing(), link("/file")], vec![answer(200, &file(0))]).await;
    let folder = tempfile::tempdir().unwrap();
    let cursor = folder.path().join("cursor");
    let with_cursor = [&PLAIN[..], &["--cursor-file", path_str(&cursor)]].concat();
    let first = service.run(&with_cursor).await;
    assert_eq!((first.code, first.stdout.as_str()), (Some(75), ""), "{}", first.stderr);
    assert_eq!(service.run(&with_cursor).await.stdout, format!("{TALK}{CLOSED}"));
}

#[tokio::test]
async fn every_failure_has_its_own_answer_and_none_shows_the_link() {
    let refused = refusing_socket();
    let unreachable = refused.local_addr().unwrap();
    let dead_link = json!({ "url": format!("http://{unreachable}/file?{SECRET}") }).to_string();
    let link_to = |url: &str| answer(200, &json!({ "url": url.replace("SECRET", SECRET) }).to_string());
    let error_page = with_head("403 Forbidden", b"<Error><Code>AccessDenied</Code><X>s3cret-signature</X></Error>");
    let cases: Vec<(&str, MakeResponse, MakeResponse, i32, &str)> = vec![
        (
            "not yet",
            missing(),
            missing(),
            75,
            "the transcript of this call is not available yet; it appears some minutes after the call where transcription is enabled",
        ),
        ("forbidden", forbidden(), missing(), 77, "recording:recording:view and speechAndTextAnalytics:data:view"),
        ("unreachable", answer(200, &dead_link), missing(), 69, "connection refused"),
        ("down", link("/file"), with_head("503 Down", b"s3cret-signature"), 69, "503 Service Unavailable"),
        ("expired twice", link("/file"), error_page, 76, "a new link to the call transcript is refused (403)"),
        (
            "broken",
            link("/file"),
            answer(200, r#"{"transcripts":[{"#),
            76,
            "the stored transcript of the call is unreadable",
        ),
        ("a page", link("/file"), answer(200, "<html>s3cret-signature</html>"), 76, "unreadable"),
        (
            "compressed",
            link("/file"),
            with_head("200 OK\r\nContent-Encoding: gzip", b"\x1f\x8b"),
            76,
            "content encoding gzip",
        ),
        ("odd status", link("/file"), answer(204, ""), 76, "status 204"),
        (
            "other scheme",
            link("/file"),
            with_head("302 Found\r\nLocation: ftp://127.0.0.1/s3cret-signature", b""),
            76,
            "redirect to the scheme ftp",
        ),
        (
            "other host in plain text",
            link("/file"),
            with_head("302 Found\r\nLocation: http://files.example.invalid/s3cret-signature", b""),
            76,
            "link with the scheme http",
        ),
        (
            "endless redirects",
            link("/file"),
            with_head("302 Found\r\nLocation: /file?s3cret-signature", b""),
            76,
            "more than 5 redirects",
        ),
        ("plain text", link_to("http://files.example.invalid/SECRET"), missing(), 76, "link with the scheme http"),
        ("user name", link_to("https://SECRET@files.example.invalid/"), missing(), 76, "link with a user name"),
        ("no link", answer(200, "{}"), missing(), 76, "no link to the call transcript"),
    ];
    for (name, link, file, code, expected) in cases {
        let service = Service::start(call(true), vec![link], vec![file]).await;
        let run = service.run(&[&PLAIN[..], &["-vv", "--max-retries", "0"]].concat()).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{name}: {}", run.stderr);
        assert!(!run.stderr.contains(SECRET), "{name}: {}", run.stderr);
        assert!(run.stderr.trim_end().lines().last().is_some_and(|line| line.starts_with("  tip: ")), "{}", run.stderr);
    }
}

#[tokio::test]
async fn an_expired_link_is_requested_anew_once_and_redirects_are_followed() {
    for status in [400, 403, 404] {
        let service = Service::with_file(vec![answer(status, "expired"), answer(200, &file(0))]).await;
        let run = service.run(&PLAIN).await;
        assert_eq!((run.code, run.stdout), (Some(0), format!("{TALK}{CLOSED}")), "{status} {}", run.stderr);
        let links = service.server.request_lines().iter().filter(|line| line.contains("leg-ada/transcripturl")).count();
        assert_eq!(links, 2);
    }
    let moved = with_head("307 Moved\r\nLocation: /file/there?s3cret-signature", b"");
    let service = Service::with_file(vec![moved, answer(200, &file(0))]).await;
    assert_eq!(service.run(&PLAIN).await.stdout, format!("{TALK}{CLOSED}"));
}

#[tokio::test]
async fn an_outage_of_the_file_host_is_retried() {
    let service = Service::with_file(vec![answer(503, "busy"), answer(200, &file(0))]).await;
    let run = service.run(&PLAIN).await;
    assert_eq!((run.code, run.stdout), (Some(0), format!("{TALK}{CLOSED}")), "{}", run.stderr);
}

/// Runs against a service. Returns the result and the peak memory in MiB.
async fn run_measured(service: &Service) -> (Finished, usize) {
    Running::start(&mut service.server.program(&PLAIN)).finish_measured().await
}

#[tokio::test]
async fn a_file_of_30_mb_takes_bounded_time_and_memory_and_one_of_more_than_64_mib_is_refused() {
    let long = file(5_000);
    assert!((30_000_000..40_000_000).contains(&long.len()), "{}", long.len());
    let service = Service::with_file(vec![answer(200, &long)]).await;
    let started = Instant::now();
    let (run, peak) = run_measured(&service).await;
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 5_004), "{}", run.stderr);
    assert!(peak < MEMORY_LIMIT && started.elapsed() < Duration::from_secs(30), "{peak} MiB {:?}", started.elapsed());

    let endless: MakeResponse = Box::new(|_| {
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        Response::Endless(head, vec![b' '; 1 << 20], Duration::ZERO)
    });
    let (run, peak) = run_measured(&Service::with_file(vec![endless]).await).await;
    assert_eq!((run.code, run.stderr.contains("file of more than 64 MiB")), (Some(76), true), "{}", run.stderr);
    assert!(peak < 2 * MEMORY_LIMIT, "{peak} MiB");
}

#[tokio::test]
async fn of_several_conversations_a_missing_transcript_is_a_warning() {
    for (link, reason) in [(missing(), "not available yet"), (forbidden(), "Forbidden from retrieving transcript url.")]
    {
        let service = Service::start(call(true), vec![link], vec![missing()]).await;
        let run = service.run(&[&PLAIN[..], &["-c", "c2"]].concat()).await;
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.stdout.matches("[CLOSED]").count(), 2, "{}", run.stdout);
        assert_eq!(run.stderr.matches(reason).count(), 2, "{}", run.stderr);
    }
}

#[tokio::test]
async fn a_call_in_progress_has_no_history_which_is_a_warning() {
    let service = Service::start(call(false), vec![missing()], vec![missing()]).await;
    let run = service.run(&PLAIN).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert!(run.stderr.contains("warning: the call c1 is in progress"), "{}", run.stderr);
}

// Windows has no signals.
#[cfg(unix)]
#[tokio::test]
async fn a_wait_for_the_transcript_ends_with_a_signal() {
    let service = Service::start(call(true), vec![missing()], vec![missing()]).await;
    let args = [&PLAIN[..], &["-v", "--call-transcript-wait", "15m"]].concat();
    let mut running = Running::start(&mut service.server.program(&args));
    running.wait_for_stderr("not available yet; waiting up to 15m").await;
    running.signal(rustix::process::Signal::INT);
    let run = running.finish().await;
    assert_eq!((run.signal, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
}

#[tokio::test]
async fn a_message_conversation_that_ended_long_ago_gives_what_is_left_at_once() {
    let conversation = |messages: &Value| {
        let communication = json!([{"id": "m", "type": "sms", "state": "disconnected", "messages": messages}]);
        json!({"id": "c1", "endTime": "2026-01-02T03:06:00Z", "participants": [{"id": "ada", "purpose": "customer",
            "name": "Ada", "endTime": "2026-01-02T03:06:00Z", "messages": communication}]})
        .to_string()
    };
    let message = json!([{"messageId": "m1", "messageTime": "2026-01-02T03:05:00Z"}]);
    let notice = "conversation c1 has ended, and the service lists no messages of it";
    for (messages, stdout, warnings) in [
        (json!([]), CLOSED.to_owned(), 1),
        (message, format!("[Customer] Ada: [message text not available]\n{CLOSED}"), 0),
    ] {
        let json = conversation(&messages);
        let server = RawServer::start(move |head| {
            json_response(200, if head.contains("/bulk") { r#"{"entities":[]}"# } else { &json })
        })
        .await;
        let started = Instant::now();
        let run = Running::start(&mut server.program(&PLAIN)).finish().await;
        assert_eq!((run.code, run.stdout), (Some(0), stdout), "{}", run.stderr);
        assert_eq!(run.stderr.matches(notice).count(), warnings, "{}", run.stderr);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}
