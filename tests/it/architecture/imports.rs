//! Which module may import which.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Module, modules};

/// The layers from top to bottom. A module imports modules of its own layer and of those below.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["demo", "serve", "telemetry"],
    &["http"],
    &["schema"],
    DOMAINS,
    &["mutation"],
    &["context"],
    &["app"],
    &["audit"],
    &["notice", "read"],
    &["auth", "password"],
    &["organization::store"],
    &["domain"],
    &["reach"],
    &["guard", "platform"],
    &["error", "config"],
];

/// The domains. Their nodes name each other's nodes; all other imports have one direction.
const DOMAINS: &[&str] = &[
    "storefront",
    "storefront_user",
    "storage",
    "organization",
    "custom_field",
    "customer",
    "address",
    "customer_note",
    "order",
    "customer_group",
    "market",
    "oidc",
    "erasure",
];

/// Imports against the layers, with their reasons. This list only shrinks.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "custom_field::store",
        "customer",
        "customers hold the values of custom fields",
    ),
    (
        "config::backends",
        "platform::secret",
        "a secret setting has the type of secrets",
    ),
    (
        "config::tree",
        "platform::secret",
        "a secret setting has the type of secrets",
    ),
];

/// The layer of a module, or of the folder that it is in.
fn layer(module: &[String]) -> usize {
    let of = |end: usize| {
        let name = module[..end].join("::");
        LAYERS.iter().position(|layer| layer.contains(&name.as_str()))
    };
    let found = (1..=module.len()).rev().find_map(of);
    found.unwrap_or_else(|| panic!("{} is in no layer", module.join("::")))
}

/// Whether both are domains, and the second comes later in the list.
fn is_later_domain(from: &[String], to: &[String]) -> bool {
    let place = |module: &[String]| DOMAINS.iter().position(|domain| *domain == module[0]);
    place(from).zip(place(to)).is_some_and(|(from, to)| to > from)
}

/// The imports of each module, as modules.
fn imports() -> BTreeMap<&'static [String], BTreeSet<&'static [String]>> {
    let all: BTreeSet<&[String]> = modules().iter().map(|module| &module.path[..]).collect();
    let target = |path: &'static [String]| {
        (1..=path.len())
            .rev()
            .map(|end| &path[..end])
            .find(|path| all.contains(path))
    };
    let of = |module: &'static Module| {
        let targets = module.names.iter().filter_map(|path| target(path));
        targets.filter(|target| *target != &module.path[..]).collect()
    };
    modules()
        .iter()
        .filter(|module| !module.path.is_empty())
        .map(|module| (&module.path[..], of(module)))
        .collect()
}

#[test]
fn modules_import_only_lower_layers() {
    let mut against = Vec::new();
    for (from, targets) in imports() {
        for to in targets {
            let is_excepted = EXCEPTIONS
                .iter()
                .any(|(file, module, _)| *file == from.join("::") && *module == to.join("::"));
            let is_node = NODES.iter().any(|end| from.join("::").ends_with(end));
            let is_against = layer(from) > layer(to) || (is_later_domain(from, to) && !is_node);
            if is_against && !is_excepted {
                against.push(format!("{} imports {}", from.join("::"), to.join("::")));
            }
        }
    }
    assert!(against.is_empty(), "{against:#?}");
}

#[test]
fn every_exception_is_needed() {
    let imports = imports();
    for (from, to, _) in EXCEPTIONS {
        let is_there = imports.iter().any(|(file, targets)| {
            file.join("::") == *from && targets.iter().any(|target| target.join("::") == *to)
        });
        assert!(is_there, "{from} no longer imports {to}: remove the exception");
    }
}

/// Modules that import each other, directly or through others (Tarjan's algorithm).
struct Circles<'a> {
    imports: &'a BTreeMap<&'static [String], BTreeSet<&'static [String]>>,
    order: BTreeMap<&'static [String], usize>,
    lowest: BTreeMap<&'static [String], usize>,
    open: Vec<&'static [String]>,
    found: Vec<Vec<String>>,
}

impl Circles<'_> {
    fn visit(&mut self, module: &'static [String]) {
        let number = self.order.len();
        self.order.insert(module, number);
        self.lowest.insert(module, number);
        self.open.push(module);
        for target in &self.imports[module] {
            if !self.imports.contains_key(target) {
                continue;
            }
            if !self.order.contains_key(target) {
                self.visit(target);
                let lowest = self.lowest[module].min(self.lowest[target]);
                self.lowest.insert(module, lowest);
            } else if self.open.contains(target) {
                let lowest = self.lowest[module].min(self.order[target]);
                self.lowest.insert(module, lowest);
            }
        }
        if self.lowest[module] == number {
            let from = self
                .open
                .iter()
                .position(|open| *open == module)
                .expect("it is open");
            let circle: Vec<String> = self
                .open
                .split_off(from)
                .iter()
                .map(|path| path.join("::"))
                .collect();
            if circle.len() > 1 {
                self.found.push(circle);
            }
        }
    }
}

#[test]
fn only_the_graph_of_nodes_has_an_import_cycle() {
    let imports = imports();
    let mut circles = Circles {
        imports: &imports,
        order: BTreeMap::new(),
        lowest: BTreeMap::new(),
        open: Vec::new(),
        found: Vec::new(),
    };
    for module in imports.keys() {
        if !circles.order.contains_key(module) {
            circles.visit(module);
        }
    }
    let of_nodes = |module: &String| NODES.iter().any(|end| module.ends_with(end));
    let others: Vec<_> = circles
        .found
        .iter()
        .filter(|circle| !circle.iter().all(of_nodes))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(circles.found.len(), 1, "{:#?}", circles.found);
}

/// The modules of the graph of nodes: the nodes, the lists behind them with their filters, and the root `viewer`.
const NODES: &[&str] = &["::node", "::list", "::filter", "::viewer"];
