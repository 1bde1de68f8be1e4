//! The settings of `--events`: conflicts, inputs that cannot be read, and accounts (CLI-13, CLI-59, CLI-82 to CLI-84).

use crate::support::program::{Running, bare_program};

#[tokio::test]
async fn contradictions_and_unusable_inputs_end_the_run() {
    let client: &[(&str, &str)] = &[("GENESYS_CLIENT_ID", "id"), ("GENESYS_CLIENT_SECRET", "secret")];
    let both = [client, &[("GENESYS_API_URL", "http://127.0.0.1:9")]].concat();
    for (args, env, code, texts) in [
        (
            &["--events", "/none"][..],
            &[][..],
            66,
            &["event stream /none not found", "tip: check the path of --events"][..],
        ),
        (&["--events", "/none"], &both, 66, &["event stream /none not found"]),
        (&["--events", "/"], &[], 66, &["cannot read the event stream /: ", "tip: use a readable file or pipe"]),
        (&["--events", "x", "--source", "transcript"], &[], 78, &["--source transcript cannot be used with --events"]),
        (
            &["--events", "x", "--source", "transcript"],
            client,
            78,
            &["--source transcript cannot be used with --events"],
        ),
        (&["--events", "x", "--no-follow"], client, 2, &["cannot be used with"]),
        (&["--events", "x", "--replay", "y"], &[], 2, &["cannot be used with"]),
        (&["--events", "x", "--demo"], &[], 2, &["cannot be used with"]),
        (&["--events", "-", "-c", "@-"], client, 78, &["standard input is already used by --events -"]),
        (
            &["--events", "-", "--client-secret-file", "-"],
            client,
            78,
            &["standard input is already used by --events -"],
        ),
        (&["--events", "x", "--queue", "Billing"], &[], 78, &["settings missing: client id"]),
        (&["--events", "x", "--client-id", "id"], &[], 78, &["settings missing: client secret"]),
        (&["--events", "x"], &client[1..], 78, &["settings missing: client id"]),
        (&["--events", "x", "-o", "raw", "--cursor-file", "c"], &[], 78, &["--cursor-file cannot be used with -o raw"]),
        (&["check", "--events", "x"], client, 2, &["unexpected argument '--events'"]),
    ] {
        let mut command = bare_program(args);
        command.envs(env.iter().copied());
        let finished = Running::start(&mut command).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(code), ""), "{args:?} {}", finished.stderr);
        for text in texts {
            assert!(finished.stderr.contains(text), "{args:?} {}", finished.stderr);
        }
    }
}
