//! The whole help tree as one snapshot: no option changes unseen.

use std::fmt::Write;

use crate::support::{Home, Ran};

fn walk(home: &Home, path: &[&str], out: &mut String) {
    let arguments: Vec<_> = path.iter().copied().chain(["--help"]).collect();
    let ran = Ran::of(home.command(&arguments).env("COLUMNS", "100"));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    let name = path.join(" ");
    write!(out, "==== cozectl {name}\n\n{}\n", ran.stdout).unwrap();
    let commands = ran.stdout.split("\nCommands:\n").nth(1).unwrap_or_default();
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        let Some(command) = line.strip_prefix("  ").filter(|it| !it.starts_with(' ')) else {
            continue;
        };
        let command = command.split_whitespace().next().unwrap();
        let path: Vec<_> = path.iter().copied().chain([command]).collect();
        walk(home, &path, out);
    }
}

#[test]
fn the_help_tree() {
    let mut tree = String::new();
    walk(&Home::new(), &[], &mut tree);
    insta::assert_snapshot!("help", tree);
}

#[test]
fn nothing_at_all_is_bad_usage() {
    Home::new()
        .run(&[])
        .fails(2, &["Usage: cozectl", "Examples:"]);
    Home::new()
        .run(&["workflow"])
        .fails(2, &["Usage: cozectl workflow"]);
    Home::new()
        .run(&["chatt"])
        .fails(2, &["unrecognized subcommand 'chatt'", "'chat'"]);
}

#[test]
fn the_version() {
    let version = env!("CARGO_PKG_VERSION");
    Home::new()
        .run(&["--version"])
        .prints(&format!("cozectl {version}\n"));
}
