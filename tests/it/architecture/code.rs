//! The source code as the rules see it: parsed, without tests.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use syn::visit::{self, Visit};

use super::rust_files;

/// A file of `src`, without its tests.
pub(super) struct Module {
    /// Path below `src`.
    pub(super) file: String,
    /// Path of the module in the crate; empty for `lib.rs`.
    pub(super) path: Vec<String>,
    /// The items outside of the module that it names, as paths in the crate. Re-exports of child modules are not imports.
    pub(super) names: BTreeSet<Vec<String>>,
    /// Imports under another name.
    pub(super) renames: Vec<String>,
    /// Its functions, except resolvers.
    pub(super) functions: Vec<Function>,
    /// Names of the types and traits that it defines.
    pub(super) types: Vec<String>,
    /// The last two segments of the functions that it calls by path: `HouseReach::within`.
    pub(super) calls: BTreeSet<String>,
}

/// A function's parameters, without `self`.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) parameters: usize,
    /// Whether a parameter is a tuple, or is taken apart as one.
    pub(super) takes_tuple: bool,
}

/// All files of `src` except `main.rs`.
pub(super) fn modules() -> &'static [Module] {
    static MODULES: LazyLock<Vec<Module>> = LazyLock::new(|| {
        let is_test = |part: &str| part == "tests" || part == "tests.rs";
        let sources = rust_files("src").into_iter();
        let sources = sources.filter(|source| source.path != "main.rs");
        sources
            .filter(|source| !source.path.split('/').any(is_test))
            .map(|source| parse(&source.path, &source.text))
            .collect()
    });
    assert!(MODULES.len() > 50, "src was not found");
    &MODULES
}

fn parse(file: &str, text: &str) -> Module {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    let path = path.split('/').filter(|part| *part != "lib");
    let mut reader = Reader {
        inside: Vec::new(),
        is_object: false,
        module: Module {
            file: file.to_owned(),
            path: path.map(str::to_owned).collect(),
            names: BTreeSet::new(),
            renames: Vec::new(),
            functions: Vec::new(),
            types: Vec::new(),
            calls: BTreeSet::new(),
        },
    };
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    reader.visit_file(&parsed);
    reader.module
}

struct Reader {
    module: Module,
    /// The inline modules around the code that is read.
    inside: Vec<String>,
    /// Whether the implementation that is read is a GraphQL object.
    is_object: bool,
}

impl Reader {
    /// Converts a path as it is written into a path in the crate; `None` for one of another crate or of this file.
    fn absolute(&self, written: &[String]) -> Option<Vec<String>> {
        let mut here: Vec<String> = self.module.path.iter().chain(&self.inside).cloned().collect();
        let supers = written.iter().take_while(|part| *part == "super").count();
        let rest = match written.first()?.as_str() {
            "crate" => {
                here.clear();
                &written[1..]
            }
            "self" => &written[1..],
            "super" => {
                here.truncate(here.len().checked_sub(supers)?);
                &written[supers..]
            }
            _ => return None,
        };
        here.extend(rest.iter().cloned());
        Some(here)
    }

    fn note(&mut self, written: &[String]) {
        self.module.names.extend(self.absolute(written));
    }

    fn imports(&mut self, tree: &syn::UseTree, before: &[String], is_reexport: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let path = match tree {
            syn::UseTree::Path(path) => return self.imports(&path.tree, &with(&path.ident), is_reexport),
            syn::UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.imports(tree, before, is_reexport));
            }
            syn::UseTree::Name(name) => with(&name.ident),
            syn::UseTree::Rename(rename) => {
                if rename.rename != "_" {
                    self.module
                        .renames
                        .push(format!("{} as {}", rename.ident, rename.rename));
                }
                with(&rename.ident)
            }
            syn::UseTree::Glob(_) => before.to_vec(),
        };
        // `use child::Item;` is written without `self`.
        let is_plain = path.len() > 1 && !["crate", "self", "super"].contains(&path[0].as_str());
        let written = if is_plain {
            [&["self".to_owned()], &path[..]].concat()
        } else {
            path
        };
        let Some(absolute) = self.absolute(&written) else {
            return;
        };
        let is_own = absolute.starts_with(&self.module.path);
        if !(is_reexport && is_own) {
            self.module.names.insert(absolute);
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        is_cfg && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        self.inside.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
            self.imports(&item.tree, &[], is_reexport);
        }
    }

    fn visit_vis_restricted(&mut self, _visibility: &'ast syn::VisRestricted) {
        // `pub(in crate::http)` names the module in which something is visible; it is no import.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let written: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if written.len() > 1 && ["crate", "super"].contains(&written[0].as_str()) {
            self.note(&written);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let segments = &path.path.segments;
        if segments.len() > 1 {
            let last = segments.iter().skip(segments.len() - 2);
            let last: Vec<String> = last.map(|segment| segment.ident.to_string()).collect();
            self.module.calls.insert(last.join("::"));
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let is_object = |attribute: &syn::Attribute| attribute.path().is_ident("Object");
        self.is_object = item.attrs.iter().any(is_object);
        visit::visit_item_impl(self, item);
        self.is_object = false;
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        let typed = signature.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(typed) => Some(typed),
            syn::FnArg::Receiver(_) => None,
        });
        let is_tuple = |typed: &&syn::PatType| {
            matches!(&*typed.pat, syn::Pat::Tuple(_))
                || matches!(&*typed.ty, syn::Type::Tuple(tuple) if !tuple.elems.is_empty())
        };
        if !self.is_object {
            self.module.functions.push(Function {
                name: signature.ident.to_string(),
                parameters: typed.clone().count(),
                takes_tuple: typed.clone().any(|typed| is_tuple(&typed)),
            });
        }
        visit::visit_signature(self, signature);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.module.types.push(item.ident.to_string());
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.module.types.push(item.ident.to_string());
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.module.types.push(item.ident.to_string());
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.module.types.push(item.ident.to_string());
        visit::visit_item_type(self, item);
    }
}
