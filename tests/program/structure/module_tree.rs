//! The modules of the program and the paths by which they name each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::source_file::{SOURCE_FILES, SourceFile, blank, split_at_commas};

/// The modules of the program without their tests.
pub(super) static MODULE_TREE: LazyLock<ModuleTree> = LazyLock::new(|| ModuleTree::new(&SOURCE_FILES));

static IMPORT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\buse\s+([^;]+);").unwrap());

static PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:^|[^\w:$])((?:[A-Za-z_]\w*::)+[A-Za-z_]\w*)").unwrap());

/// The maximum number of re-exports between a path and the definition of its item.
const MAX_REEXPORTS: usize = 8;

/// The paths in each module, by the path of the module without `crate`. The path of the crate root is empty.
pub(super) struct ModuleTree(BTreeMap<String, Vec<ItemPath>>);

/// A path to an item, from an import or from other code.
pub(super) struct ItemPath {
    /// The place, as `path:line`.
    pub(super) place: String,
    pub(super) target: Target,
    /// The local name, if the path is imported.
    name: Option<String>,
}

/// The item that a path names.
pub(super) enum Target {
    /// The path of an item of the program, without `crate`.
    Local(String),
    /// The path of an item of another crate, or one that starts at an imported name.
    External(String),
}

/// The use of an item that another file defines.
struct Dependency<'a> {
    from: &'a str,
    to: &'a str,
    place: &'a str,
}

impl ModuleTree {
    fn new(files: &[SourceFile]) -> Self {
        let files = files.iter().filter(|file| !file.production.is_empty());
        let files: BTreeMap<String, &SourceFile> = files.map(|file| (module_path(&file.path), file)).collect();
        let paths = files.iter().map(|(module, file)| (module.clone(), item_paths(file, module, &files)));
        Self(paths.collect())
    }

    /// Returns each path with the module that contains it.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&str, &ItemPath)> {
        self.0.iter().flat_map(|(module, paths)| paths.iter().map(|path| (module.as_str(), path)))
    }

    /// Returns the places and ends of the dependencies that are part of an import cycle, or lead from one cycle to another.
    ///
    /// A file depends on the files that define the items it names, behind all re-exports. Dependencies on parent modules do
    /// not count: a child may use its parent.
    pub(super) fn cyclic_dependencies(&self) -> Vec<String> {
        let mut dependencies = self.dependencies();
        let mut count = usize::MAX;
        while dependencies.len() < count {
            count = dependencies.len();
            let sources: BTreeSet<&str> = dependencies.iter().map(|dependency| dependency.from).collect();
            let targets: BTreeSet<&str> = dependencies.iter().map(|dependency| dependency.to).collect();
            dependencies.retain(|dependency| sources.contains(dependency.to) && targets.contains(dependency.from));
        }
        dependencies.iter().map(|Dependency { from, to, place }| format!("{place}: {from} → {to}")).collect()
    }

    fn dependencies(&self) -> Vec<Dependency<'_>> {
        let mut dependencies = Vec::new();
        for (from, path) in self.paths() {
            if let Target::Local(target) = &path.target {
                let to = self.defining_module(target, MAX_REEXPORTS);
                dependencies.push(Dependency { from, to, place: &path.place });
            }
        }
        dependencies.retain(|dependency| !is_within(dependency.from, dependency.to));
        dependencies
    }

    fn defining_module<'a>(&'a self, path: &'a str, max_reexports: usize) -> &'a str {
        let (module, item) = self.split_at_item(path);
        let reexport = self.0[module].iter().find(|import| import.name.as_deref() == Some(item));
        match reexport.map(|import| &import.target) {
            Some(Target::Local(target)) if max_reexports > 0 => self.defining_module(target, max_reexports - 1),
            _ => module,
        }
    }

    /// Splits a path into its module and the name of the item there, which is empty if the path is that of a module.
    fn split_at_item<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        let mut module = path;
        while !self.0.contains_key(module) {
            module = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        }
        (module, path[module.len()..].trim_start_matches("::").split("::").next().unwrap_or_default())
    }
}

/// Returns whether a path is equal to another path or below it.
pub(super) fn is_within(path: &str, parent: &str) -> bool {
    parent.is_empty() || path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn module_path(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
    if path == "lib" { String::new() } else { path }
}

/// Returns the paths in a module: those of the imports, one for each branch of a tree, and all others.
fn item_paths(file: &SourceFile, module: &str, modules: &BTreeMap<String, &SourceFile>) -> Vec<ItemPath> {
    let code = &file.production;
    let mut paths = Vec::new();
    for import in IMPORT.captures_iter(code) {
        let place = file.place(import.get(1).unwrap().start());
        for (path, name) in branches(&import[1], "") {
            let target = resolve(&path, module, modules);
            paths.push(ItemPath { place: place.clone(), target, name: Some(name) });
        }
    }
    let other_code = blank(code, IMPORT.find_iter(code).map(|import| import.range()));
    for path in PATH.captures_iter(&other_code) {
        let place = file.place(path.get(1).unwrap().start());
        paths.push(ItemPath { place, target: resolve(&path[1], module, modules), name: None });
    }
    paths
}

/// Returns the full path and the local name of each branch of an import.
fn branches(tree: &str, prefix: &str) -> Vec<(String, String)> {
    if let Some((head, list)) = tree.split_once('{') {
        let prefix = format!("{prefix}{}", head.trim());
        let list = list.rsplit_once('}').unwrap().0;
        return split_at_commas(list).into_iter().flat_map(|branch| branches(branch, &prefix)).collect();
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
    let path = format!("{prefix}{}", path.trim());
    let path = path.strip_suffix("::self").unwrap_or(&path);
    let name = alias.unwrap_or_else(|| path.rsplit("::").next().unwrap());
    vec![(path.to_owned(), name.trim().to_owned())]
}

/// Resolves a path that stands in a module.
fn resolve(path: &str, module: &str, modules: &BTreeMap<String, &SourceFile>) -> Target {
    let (mut start, mut rest) = (module, path);
    let mut is_relative = false;
    loop {
        let (first, tail) = rest.split_once("::").unwrap_or((rest, ""));
        match first {
            "crate" => start = "",
            "self" => {}
            "super" => start = start.rsplit_once("::").map_or("", |(parent, _)| parent),
            child if is_relative || modules.contains_key(&join(start, child)) => {
                return Target::Local(join(start, rest));
            }
            _ => return Target::External(path.to_owned()),
        }
        (is_relative, rest) = (true, tail);
    }
}

fn join(module: &str, path: &str) -> String {
    [module, path].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("::")
}
