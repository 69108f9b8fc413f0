//! What the `async` client can wait for, the blocking one can.

use std::collections::BTreeSet;

#[test]
fn no_call_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let (mut all, mut blocking) = (BTreeSet::new(), BTreeSet::new());
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|it| it == "rs") {
            all.append(&mut methods(
                &std::fs::read_to_string(path).unwrap(),
                "pub async fn ",
            ));
        }
    }
    for file in ["mod.rs", "calls.rs"] {
        let source = std::fs::read_to_string(format!("{folder}/blocking/{file}")).unwrap();
        blocking.append(&mut methods(&source, "pub fn "));
        // The lines of the table: `name(…) -> …;`.
        for line in source.lines().filter(|it| it.starts_with("    ")) {
            let name = line.trim().split(['(', '<']).next().unwrap_or_default();
            blocking.insert(name.to_owned());
        }
    }
    assert!(all.contains("me") && all.len() > 30, "{all:?}");
    let missing: Vec<_> = all.difference(&blocking).collect();
    assert!(missing.is_empty(), "without a blocking twin: {missing:?}");
}

/// The methods of `impl Coze` in a source.
fn methods(source: &str, begin: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in source.lines() {
        if !line.is_empty() && !line.starts_with([' ', '}', '/', '#']) {
            inside = line.starts_with("impl Coze {");
        }
        if let Some(rest) = line.trim_start().strip_prefix(begin).filter(|_| inside) {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            names.insert(name.to_owned());
        }
    }
    names
}
