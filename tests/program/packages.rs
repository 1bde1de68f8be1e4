//! Agreement of the packages with the program (PLAT-4). The contents are in `.ci/package` and, of the Debian package, in `Cargo.toml`.

use std::fs;
use std::path::Path;

use clap::ValueEnum as _;
use clap_complete::Shell;
use regex::Regex;

#[test]
fn the_archives_contain_the_completions_of_every_shell() {
    let script = read(".ci/package");
    for shell in Shell::value_variants() {
        assert!(script.contains(&format!("completions {shell} > ")), "{shell}");
    }
}

#[test]
fn the_debian_package_takes_each_file_from_a_folder_that_the_script_fills() {
    let (manifest, script) = (read("Cargo.toml"), read(".ci/package"));
    let asset = Regex::new(r#"(?m)^    \["([^"]*)", "usr/"#).unwrap();
    let sources: Vec<_> = asset.captures_iter(&manifest).map(|asset| asset.extract::<1>().1[0]).collect();
    assert!(sources.len() > 8, "{sources:?}");
    for source in sources {
        let staged = source.strip_prefix("target/stage/linux/").map(|path| path.trim_end_matches('*'));
        assert!(staged.map_or_else(|| exists(source), |path| script.contains(path)), "{source}");
    }
}

#[test]
fn the_debian_package_requires_the_glibc_that_the_binary_is_linked_against() {
    let (manifest, script) = (read("Cargo.toml"), read(".ci/package"));
    let (_, glibc) = script.split_once("readonly GLIBC=").unwrap();
    let glibc = glibc.lines().next().unwrap();
    assert!(manifest.contains(&format!("depends = \"libc6 (>= {glibc})\"")), "{glibc}");
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
}
