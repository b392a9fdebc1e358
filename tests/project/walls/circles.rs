//! Which file imports from which, and whether that goes round in a circle.
//!
//! A file and those in its folder are one thing: what they name of each other does not count. What a `pub use` hands on
//! counts as the file's that it comes from.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;
use crate::source::paths::{handed_on, paths};

/// A module by the names on the way to it.
type Module = Vec<String>;

/// The circles among the files, each as the modules on it.
pub fn circles(program: &[Source]) -> Vec<Vec<String>> {
    let house = House::of(program);
    let imports: BTreeMap<&Module, BTreeSet<Module>> = program
        .iter()
        .filter_map(|source| {
            let (module, _) = house.modules.get_key_value(&module_of(source))?;
            let named = paths(&source.words).iter().filter_map(|path| house.file_of(module, path)).collect();
            Some((module, named))
        })
        .collect();
    let search = |from: &Module| {
        let (mut found, mut to_do) = (BTreeSet::new(), vec![from]);
        while let Some(module) = to_do.pop() {
            for next in imports.get(module).into_iter().flatten() {
                if found.insert(next) {
                    to_do.push(next);
                }
            }
        }
        found
    };
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        imports.keys().map(|module| (*module, search(module))).collect();
    let mut circles = BTreeSet::new();
    for (module, from_here) in &reached {
        let back = from_here.iter().filter(|other| reached.get(*other).is_some_and(|there| there.contains(module)));
        let circle: Vec<String> = back.map(|other| other.join("::")).collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

fn module_of(source: &Source) -> Module {
    source.path.trim_end_matches(".rs").split('/').map(str::to_owned).collect()
}

struct House {
    /// Every file's module, with the names that it hands on.
    modules: BTreeMap<Module, std::collections::HashMap<String, String>>,
}

impl House {
    fn of(program: &[Source]) -> Self {
        let in_library = program.iter().filter(|source| super::floor(super::part_of(source)).is_some());
        Self { modules: in_library.map(|source| (module_of(source), handed_on(&source.words))).collect() }
    }

    /// The file that a path named in `module` leads to, unless it is `module`'s own, its parent's or its child's.
    fn file_of(&self, module: &Module, path: &str) -> Option<Module> {
        let mut full = self.full(module, path)?;
        // What is handed on may itself be handed on.
        for _ in 0..5 {
            let (file, rest) = self.split(&full)?;
            let next =
                rest.first().and_then(|name| self.modules[&file].get(name)).and_then(|path| self.full(&file, path));
            match next {
                Some(next) => full = next,
                None => return (!file.starts_with(module) && !module.starts_with(&file)).then_some(file),
            }
        }
        None
    }

    /// The path from the crate's root.
    fn full(&self, module: &Module, path: &str) -> Option<Module> {
        let mut names: Vec<String> = path.split("::").map(str::to_owned).collect();
        match names[0].as_str() {
            "crate" => Some(names.split_off(1)),
            "self" => Some([module.clone(), names.split_off(1)].concat()),
            "super" => {
                let up = names.iter().take_while(|name| *name == "super").count();
                let base = module.get(..module.len().checked_sub(up)?)?;
                Some([base, &names[up..]].concat())
            }
            child if self.modules.contains_key(&[module.as_slice(), &[child.to_owned()]].concat()) => {
                Some([module.clone(), names].concat())
            }
            _ => None,
        }
    }

    /// The longest beginning that is a file, and the rest.
    fn split(&self, full: &Module) -> Option<(Module, Module)> {
        (1..=full.len())
            .rev()
            .map(|at| full.split_at(at))
            .find_map(|(file, rest)| self.modules.contains_key(file).then(|| (file.to_vec(), rest.to_vec())))
    }
}
