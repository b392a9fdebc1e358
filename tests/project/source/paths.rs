//! The paths that a source file names.

use std::collections::HashMap;

use super::is_name;

/// Every path that is named, in full: `use` trees are taken apart, and a name that a `use` brought in is written out.
/// A glob ends in `*`. A macro's path ends in `!`.
pub fn paths(words: &[String]) -> Vec<String> {
    let mut imported = Vec::new();
    let mut named = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if words[at] == "use" && words.get(at + 1).is_some_and(|word| word != "<") {
            let end = at + words[at..].iter().position(|word| word == ";").unwrap_or(words.len() - at);
            use_tree(&words[at + 1..end], &[], &mut imported);
            at = end;
        } else if words[at].starts_with(is_name) {
            let mut path = vec![words[at].clone()];
            while let [colons, name, ..] = &words[at + 1..]
                && colons == "::"
                && name.starts_with(is_name)
            {
                path.push(name.clone());
                at += 2;
            }
            if words.get(at + 1).is_some_and(|word| word == "!") && words.get(at + 2).is_none_or(|word| word != "=") {
                path.push("!".into());
            }
            named.push(path);
        }
        at += 1;
    }
    let meaning: HashMap<&str, &Vec<String>> = imported.iter().map(|(name, path)| (name.as_str(), path)).collect();
    let mut all: Vec<String> = imported.iter().map(|(_, path)| path.join("::")).collect();
    // A word alone that nothing was brought in as is a variable, a field or a keyword.
    for path in named.into_iter().filter(|path| path.len() > 1 || meaning.contains_key(path[0].as_str())) {
        let full = meaning.get(path[0].as_str()).map_or_else(|| path.clone(), |full| [full, &path[1..]].concat());
        all.push(full.join("::"));
    }
    all.sort();
    all.dedup();
    all
}

/// What `pub use` hands on: each name with its full path.
pub fn handed_on(words: &[String]) -> HashMap<String, String> {
    let mut imported = Vec::new();
    for at in 0..words.len() {
        if words[at] == "pub" && words.get(at + 1).is_some_and(|word| word == "use") {
            let end = at + words[at..].iter().position(|word| word == ";").unwrap_or(words.len() - at);
            use_tree(&words[at + 2..end], &[], &mut imported);
        }
    }
    imported.into_iter().map(|(name, path)| (name, path.join("::"))).collect()
}

/// Takes a `use` tree apart: each name with its full path.
fn use_tree(words: &[String], prefix: &[String], imported: &mut Vec<(String, Vec<String>)>) {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while at < words.len() {
        match words[at].as_str() {
            "::" => {}
            "{" => {
                let inner = &words[at + 1..words.len() - 1];
                for part in split(inner) {
                    use_tree(part, &path, imported);
                }
                return;
            }
            "as" => {
                let name = words.get(at + 1).cloned().unwrap_or_default();
                imported.push((name, path));
                return;
            }
            "self" if !path.is_empty() => {}
            word => path.push(word.into()),
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        imported.push((name, path));
    }
}

/// Splits at the commas that are in no braces.
fn split(words: &[String]) -> Vec<&[String]> {
    let mut parts = Vec::new();
    let (mut begin, mut depth) = (0, 0_usize);
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => {
                parts.push(&words[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&words[begin..]);
    parts.retain(|part| !part.is_empty());
    parts
}
