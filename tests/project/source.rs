//! The program's own source, as tests look at it: cut into words, without comments, strings and what is only compiled
//! for tests.
//!
//! Not a Rust parser: it knows as much of the language as it takes to read paths, and no macro is expanded.

pub mod paths;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One file below `src/`.
pub struct Source {
    /// Its path from `src/`, such as `sys/child.rs`.
    pub path: String,
    /// Its words. A `::` is one word; a string or character is the word `""`.
    pub words: Vec<String>,
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the program below `src/`, without those that are only compiled for tests.
pub fn program() -> Vec<Source> {
    let base = root().join("src");
    let mut files = Vec::new();
    collect(&base, &mut files);
    files.sort();
    let mut only_tests = HashSet::new();
    let mut sources = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file is text");
        let parsed = Parsed::of(&text);
        let directory = modules_of(&file);
        only_tests.extend(parsed.test_modules.iter().map(|name| directory.join(name)));
        let path =
            file.strip_prefix(&base).expect("the file is below it").to_str().expect("a name in ASCII").to_owned();
        sources.push((file, Source { path, words: parsed.words }));
    }
    // `a/b/tests.rs` and all below `a/b/tests/` belong to the module `a/b/tests`.
    sources.retain(|(file, _)| !modules_of(file).ancestors().any(|module| only_tests.contains(module)));
    sources.into_iter().map(|(_, source)| source).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the source can be read") {
        let path = entry.expect("the source can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The directory in which the modules of a file are looked for.
fn modules_of(file: &Path) -> PathBuf {
    let is_root = file.file_name().is_some_and(|name| name == "mod.rs" || name == "lib.rs" || name == "main.rs");
    if is_root { file.parent().expect("a file has a directory").into() } else { file.with_extension("") }
}

/// A text cut into words.
pub struct Parsed {
    /// Its words, without those of items under `#[cfg(test)]`.
    pub words: Vec<String>,
    /// The names of modules in files of their own that are under `#[cfg(test)]`.
    pub test_modules: Vec<String>,
}

impl Parsed {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let all = words(text);
        let mut kept = Vec::new();
        let mut test_modules = Vec::new();
        let mut at = 0;
        while at < all.len() {
            if !starts_with(&all[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
                kept.push(all[at].clone());
                at += 1;
                continue;
            }
            let end = at + item_length(&all[at..]);
            if let [.., module, name, semicolon] = &all[at..end]
                && (module.as_str(), semicolon.as_str()) == ("mod", ";")
            {
                test_modules.push(name.clone());
            }
            at = end;
        }
        Self { words: kept, test_modules }
    }
}

/// Whether words begin like this.
pub fn starts_with(words: &[String], beginning: &[&str]) -> bool {
    words.len() >= beginning.len() && words.iter().zip(beginning).all(|(word, expected)| word == expected)
}

/// The words of an item with its attributes: up to a `;` or a closing brace outside all others.
pub fn item_length(words: &[String]) -> usize {
    let mut depth = 0_usize;
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    words.len()
}

/// A text cut into words, all of them.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first.is_whitespace() {
            first.len_utf8()
        } else if let Some(length) = literal(rest) {
            words.push("\"\"".into());
            length
        } else if first == '\'' {
            // A lifetime: its name is no word of its own.
            1 + rest[1..].find(|c: char| !is_name(c)).unwrap_or(rest.len() - 1)
        } else if is_name(first) {
            let length = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
            words.push(rest[..length].into());
            length
        } else {
            let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            words.push(rest[..length].into());
            length
        };
        rest = &rest[length..];
    }
    words
}

/// Whether it can be part of a name.
pub fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the string or character that a text begins with.
fn literal(text: &str) -> Option<usize> {
    let prefix = ["br", "b", "cr", "c", "r", ""].into_iter().find(|prefix| {
        let after = text.strip_prefix(prefix);
        after.is_some_and(|after| after.starts_with('"') || (prefix.ends_with('r') && after.starts_with("#\"")))
    });
    let Some(prefix) = prefix else { return character(text) };
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.find('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(prefix.len() + hashes + 1 + body[hashes + 1..].find(&end)? + end.len());
    }
    Some(prefix.len() + quoted(body, '"')?)
}

/// The length of a character such as `'a'`, `b'\n'`; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let prefix = usize::from(text.starts_with("b'"));
    let body = text[prefix..].strip_prefix('\'')?;
    let mut chars = body.chars();
    let (first, second) = (chars.next()?, chars.next()?);
    if first == '\\' {
        Some(prefix + quoted(&text[prefix..], '\'')?)
    } else {
        (second == '\'').then(|| prefix + first.len_utf8() + 2)
    }
}

/// The length up to the closing mark, with both marks.
fn quoted(text: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == mark => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}
