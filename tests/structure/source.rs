//! A file of Rust, taken apart into code, strings and comments. It knows just enough of the language for that.

/// A file, and what is left of it without comments, strings and its tests.
pub struct Source {
    /// Path from the root of the project, `src/…`.
    pub name: String,
    /// The file as it is.
    pub text: String,
    /// The code, with strings emptied, comments gone, and nothing from the module of tests on.
    pub code: String,
    /// What stands in its strings.
    pub strings: Vec<String>,
}

impl Source {
    pub fn new(name: &str, text: &str) -> Self {
        let mut source =
            Self { name: name.to_owned(), text: text.to_owned(), code: String::new(), strings: Vec::new() };
        if !is_test_file(name) {
            source.take_apart();
        }
        source
    }

    /// The module right below the root that this file belongs to.
    pub fn module(&self) -> &str {
        self.path().next().unwrap_or_default()
    }

    /// The feature that this file belongs to.
    pub fn feature(&self) -> Option<&str> {
        let mut path = self.path();
        if path.next()? == "features" { path.next().filter(|name| *name != "mod") } else { None }
    }

    /// The parts of the module's path, `mod` as any other name.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.name.trim_start_matches("src/").trim_end_matches(".rs").split('/')
    }

    /// The words of the code.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.code.split(|c: char| !c.is_alphanumeric() && c != '_')
    }

    fn take_apart(&mut self) {
        let text = self.text.clone();
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let after_word = self.code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            rest = if rest.starts_with("//") {
                &rest[rest.find('\n').unwrap_or(rest.len())..]
            } else if rest.starts_with("/*") {
                rest.split_once("*/").map_or("", |(_, after)| after)
            } else if let Some(end) = raw_string(rest).filter(|_| !after_word) {
                self.string(rest, end)
            } else if first == '"' {
                self.string(rest, string_end(rest))
            } else if let Some(after) = char_literal(rest) {
                after
            } else if rest.starts_with("#[cfg(test)]") && rest[12..].trim_start().starts_with("mod ") {
                return;
            } else {
                self.code.push(first);
                &rest[first.len_utf8()..]
            };
        }
    }

    fn string<'a>(&mut self, rest: &'a str, end: usize) -> &'a str {
        let inner = rest[..end].trim_start_matches(['b', 'r', '#']).trim_end_matches('#');
        self.strings.push(inner.trim_matches('"').to_owned());
        self.code.push_str("\"\"");
        &rest[end..]
    }
}

/// Tests wire what they need, as `app` does.
fn is_test_file(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/")
}

/// Where the string that `rest` begins with ends.
fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Where the raw string that `rest` begins with ends, if it begins with one.
fn raw_string(rest: &str) -> Option<usize> {
    let opening = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = opening.len() - opening.trim_start_matches('#').len();
    let body = opening[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let begin = rest.len() - body.len();
    Some(body.find(&close).map_or(rest.len(), |at| begin + at + close.len()))
}

/// What follows the character literal that `rest` begins with; `None` before a lifetime.
fn char_literal(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let skipped = escape.chars().next()?.len_utf8();
        return escape[skipped..].split_once('\'').map(|(_, after)| after);
    }
    let first = inner.chars().next()?;
    inner[first.len_utf8()..].strip_prefix('\'')
}

#[test]
fn a_file_comes_apart() {
    let text = "use a; // not \"this\"\nlet b = \"x // y\"; /* \" */ let c = r#\"in \"raw\"\"#; let d = '\"'; fn e<'f>() {}\n#[cfg(test)]\nmod tests {}";
    let source = Source::new("src/features/staff/mod.rs", text);
    assert_eq!(source.strings, ["x // y", "in \"raw"]);
    assert!(source.code.contains("fn e<'f>() {}") && !source.code.contains("mod tests"), "{}", source.code);
    assert_eq!((source.module(), source.feature()), ("features", Some("staff")));
}
