//! The systemd unit of the documentation (SVC-3).

use std::fs;
use std::process::Command;

use tempfile::tempdir;

use super::Page;

/// Returns the blocks of the section about systemd: the unit, and the change for log files.
fn units() -> Vec<&'static str> {
    let blocks = Page::topic("service").section("systemd").split("```ini\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

#[test]
fn the_unit_notifies_has_a_watchdog_and_stays_stopped_after_refusals() {
    let unit = units()[0];
    for line in [
        "Type=notify",
        "WatchdogSec=60",
        "RestartPreventExitStatus=2 66 76 77 78",
        "LoadCredential=client-secret:/etc/genesys-tail/client-secret",
        "StateDirectory=genesys-tail/%i",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    for flag in ["--client-secret-file %d/client-secret", "--cursor-file %S/genesys-tail/%i/cursor"] {
        assert!(unit.contains(flag), "{flag}");
    }
}

/// Checks nothing where systemd is not installed.
#[test]
fn systemd_accepts_the_unit_and_the_change_for_log_files() {
    let folder = tempdir().unwrap();
    let drop_in = folder.path().join("genesys-tail@.service.d");
    fs::create_dir(&drop_in).unwrap();
    let with_binary = |unit: &str| unit.replace("/usr/local/bin/genesys-tail", env!("CARGO_BIN_EXE_genesys-tail"));
    let [unit, change] = units()[..] else { panic!("two units") };
    let template = folder.path().join("genesys-tail@.service");
    fs::write(&template, with_binary(unit)).unwrap();
    let instance = folder.path().join("genesys-tail@97b9dcb3.service");
    let verify = || {
        let mut command = Command::new("systemd-analyze");
        command.args(["verify", "--man=no", "--recursive-errors=no"]).arg(&instance);
        command.output().map(|output| String::from_utf8(output.stderr).unwrap())
    };
    let Ok(stderr) = verify() else { return };
    let about_unit = |stderr: &str| stderr.lines().filter(|line| line.contains("genesys-tail")).count();
    assert_eq!(about_unit(&stderr), 0, "{stderr}");
    fs::write(drop_in.join("override.conf"), with_binary(change)).unwrap();
    let stderr = verify().unwrap();
    assert_eq!(about_unit(&stderr), 0, "{stderr}");
    fs::write(&template, with_binary(unit).replace("Type=notify", "Type=notfy")).unwrap();
    let stderr = verify().unwrap();
    assert_ne!(about_unit(&stderr), 0, "a mistake is found: {stderr}");
}
