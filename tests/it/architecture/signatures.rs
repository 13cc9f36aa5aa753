//! Rules for names and signatures.

use std::collections::BTreeMap;

use super::code::modules;

/// Names that every domain defines for itself; see `schema::DOMAINS`.
const OF_EACH_DOMAIN: &[&str] = &["Query", "Mutation"];

#[test]
fn no_parameter_is_a_tuple() {
    let tuples: Vec<String> = modules()
        .iter()
        .flat_map(|module| module.functions.iter().map(move |function| (module, function)))
        .filter(|(_, function)| function.takes_tuple)
        .map(|(module, function)| format!("{}: {}", module.file, function.name))
        .collect();
    assert!(tuples.is_empty(), "replace these with named structs: {tuples:#?}");
}

#[test]
fn no_function_has_more_than_five_parameters() {
    let long: Vec<String> = modules()
        .iter()
        .flat_map(|module| module.functions.iter().map(move |function| (module, function)))
        .filter(|(_, function)| function.parameters > 5)
        .map(|(module, function)| format!("{}: {} ({})", module.file, function.name, function.parameters))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn no_type_name_is_used_twice() {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for module in modules() {
        for name in &module.types {
            places.entry(name).or_default().push(&module.file);
        }
    }
    places.retain(|name, files| files.len() > 1 && !OF_EACH_DOMAIN.contains(name));
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn no_item_of_the_crate_is_imported_under_an_alias() {
    // Names of other crates, and the module that takes the place of another one without the managed database.
    let permitted = [
        "unmanaged as managed",
        "async_graphql_value as executor",
        "digest as lc",
        "Error as StdError",
        "Error as DriverError",
        "Result as DriverResult",
        "Error as SmtpError",
        "Schema as GraphqlSchema",
        "Value as Constant",
        "Name as ExecutorName",
        "Value as Json",
        "Response as Answer",
    ];
    let renames: Vec<String> = modules()
        .iter()
        .flat_map(|module| module.renames.iter().map(move |rename| (module, rename)))
        .filter(|(_, rename)| !permitted.contains(&rename.as_str()))
        .map(|(module, rename)| format!("{}: {rename}", module.file))
        .collect();
    assert!(renames.is_empty(), "{renames:#?}");
}

#[test]
fn each_operation_has_its_own_file() {
    let collected: Vec<&str> = modules()
        .iter()
        .map(|module| module.file.as_str())
        .filter(|file| file.ends_with("inputs.rs") || file.ends_with("mutations.rs"))
        .collect();
    assert_eq!(collected, [""; 0]);
}
