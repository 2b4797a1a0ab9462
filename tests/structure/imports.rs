//! Which modules a file names: by `crate::…` anywhere in its code, or by climbing up with `super::…`.

use crate::source::Source;

/// What a file imports: a module right below the root, and the name under it if there is one.
pub type Import = (String, Option<String>);

/// Everything of ours that `source` names. The macro `sql!` is exported at the root, and counts as `persistence`.
pub fn imports(source: &Source) -> Vec<Import> {
    let mut found = Vec::new();
    for (start, word) in [("crate::", "crate"), ("super::", "super")] {
        for (at, _) in source.code.match_indices(start) {
            let is_word = !source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if !is_word {
                continue;
            }
            let rest = &source.code[at + start.len()..];
            let (above, rest) = if word == "crate" { (Vec::new(), rest) } else { climb(source, rest) };
            for below in tree(rest, 2) {
                let whole: Vec<_> = above.iter().cloned().chain(below).collect();
                if let [top, rest @ ..] = whole.as_slice() {
                    let top = if top == "sql" { "persistence" } else { top };
                    found.push((top.to_owned(), rest.first().cloned()));
                }
            }
        }
    }
    found
}

/// The path that `super::` leads to, with all further `super::` taken, and what follows it.
fn climb<'a>(source: &Source, mut rest: &'a str) -> (Vec<String>, &'a str) {
    let mut path: Vec<_> = source.path().filter(|name| *name != "mod").map(str::to_owned).collect();
    path.pop();
    while let Some(further) = rest.strip_prefix("super::") {
        path.pop();
        rest = further;
    }
    (path, rest)
}

/// The paths that a tree of imports stands for, each down to `depth` names.
fn tree(text: &str, depth: usize) -> Vec<Vec<String>> {
    let text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        return members(list).into_iter().flat_map(|member| tree(member, depth)).collect();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return if text.starts_with('*') { vec![vec!["*".into()]] } else { Vec::new() };
    }
    let below = rest.strip_prefix("::").filter(|_| depth > 1).map(|rest| tree(rest, depth - 1)).unwrap_or_default();
    if below.is_empty() {
        return vec![vec![name.into()]];
    }
    below.into_iter().map(|path| std::iter::once(name.to_owned()).chain(path).collect()).collect()
}

/// The members of the list that `text` begins in, up to its closing brace.
fn members(text: &str) -> Vec<&str> {
    let (mut found, mut open, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open > 0 => open -= 1,
            ',' | '}' if open == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn a_tree_of_imports_is_read_whole() {
    let source =
        Source::new("src/a/b.rs", "use crate::{c, d::{self, e::F}, g::*}; use super::h; use super::super::i::j;");
    let found: Vec<_> = imports(&source).into_iter().map(|(top, below)| (top, below.unwrap_or_default())).collect();
    let expected = [("c", ""), ("d", "self"), ("d", "e"), ("g", "*"), ("a", "h"), ("i", "j")];
    assert_eq!(found, expected.map(|(top, below)| (top.to_owned(), below.to_owned())));
}
