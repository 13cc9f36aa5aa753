//! The part `map`: which part's file belongs to which place in the variables.

use std::collections::BTreeMap;

use async_graphql::{Value, Variables};

use crate::http::fault::Fault;
use crate::http::request::JsonPart;
use crate::platform::json::{self, Bounds};
use crate::platform::scalar::Upload;

const MAP: JsonPart = JsonPart::Part("map");
/// Maximum number of files in a request.
const MOST_FILES: usize = 10;
/// Maximum number of places of one file.
const MOST_PLACES: usize = 10;
/// Limits on the JSON of the part: an object of lists of strings.
const BOUNDS: Bounds = Bounds {
    depth: 2,
    values: 256,
};

/// The files that the request announces, by the name of their part.
#[derive(Debug)]
pub(super) struct FileMap {
    pub(super) files: Vec<(String, Vec<FilePath>)>,
}

/// A place in the variables, such as `variables.input.file` or `variables.files.0`.
#[derive(Debug)]
pub(super) struct FilePath(String);

impl FileMap {
    /// Parses the part.
    ///
    /// # Errors
    /// 400 that says what is wrong.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Fault> {
        if let Err(excess) = json::check(json, &BOUNDS) {
            return Err(MAP.wrong(&excess.to_string()));
        }
        let text = MAP.text(json)?;
        let no_map = |_error: &serde_json::Error| MAP.wrong("is JSON, but not an object of lists of paths");
        let map: BTreeMap<String, Vec<String>> = MAP.parse(text, text, no_map)?;
        if map.len() > MOST_FILES {
            return Err(Fault::bad_request(format!(
                "A request has at most {MOST_FILES} files; send more in requests of their own.",
            )));
        }
        if map
            .values()
            .any(|places| places.is_empty() || places.len() > MOST_PLACES)
        {
            return Err(Fault::bad_request(format!(
                "Each file in \"map\" has 1 to {MOST_PLACES} paths.",
            )));
        }
        let files = map
            .into_iter()
            .map(|(part, places)| (part, places.into_iter().map(FilePath).collect()))
            .collect();
        Ok(Self { files })
    }

    /// 400 for a body without any of the files. `others`: whether it has parts of other names.
    pub(super) fn missing(&self, others: bool) -> Fault {
        let first = self.files.first();
        let part = first.and_then(|(part, _)| plain(part));
        let place = first.and_then(|(_, places)| plain(&places.first()?.0));
        let file = place.map_or_else(|| "The file".to_owned(), |place| format!("The file for {place}"));
        let part = part.map_or_else(|| "a part".to_owned(), |part| format!("the part \"{part}\""));
        let others = if others {
            "only parts of other names follow"
        } else {
            "no part follows"
        };
        Fault::bad_request(format!(
            "{file} is missing: \"map\" names {part} for it, but {others}. Send each file as a part whose name is the key \
             that it has in \"map\", after \"operations\" and \"map\"."
        ))
    }
}

/// Returns a name that a message may repeat: a short word, which is unlikely to contain a value.
fn plain(name: &str) -> Option<&str> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    ((1..=64).contains(&name.len()) && name.bytes().all(is_word)).then_some(name)
}

impl FilePath {
    /// Puts the file with this number in place of null in the variables.
    ///
    /// # Errors
    /// 400 if there is no such place, or it has another value than null.
    pub(super) fn replace(&self, variables: &mut Variables, number: usize) -> Result<(), Fault> {
        let mut steps = self.0.split('.');
        let place = match (steps.next(), steps.next()) {
            (Some("variables"), Some(name)) => steps.fold(variables.get_mut(name), |place, step| {
                place.and_then(|value| enter(value, step))
            }),
            _ => None,
        };
        match place {
            Some(place @ Value::Null) => {
                *place = Upload::variable(number);
                Ok(())
            }
            _ => {
                let path =
                    plain(&self.0).map_or_else(|| "A path".to_owned(), |path| format!("The path {path}"));
                Err(Fault::bad_request(format!(
                    "{path} in \"map\" is not valid: each must begin with \"variables.\" and refer to a null in the \
                     variables of \"operations\", and no two files may have the same path.",
                )))
            }
        }
    }
}

fn enter<'a>(value: &'a mut Value, step: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(fields) => fields.get_mut(step),
        Value::List(elements) => elements.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        serde_json::from_str(r#"{"input":{"file":null,"name":"x"},"files":[null,null]}"#).expect("variables")
    }

    fn put(variables: &mut Variables, path: &str, number: usize) -> Result<(), Fault> {
        FilePath(path.to_owned()).replace(variables, number)
    }

    // SFU-04
    #[test]
    fn a_file_takes_the_place_of_a_null() {
        let mut variables = variables();
        put(&mut variables, "variables.input.file", 0).expect("a place");
        put(&mut variables, "variables.files.1", 1).expect("a place");
        let files = vec![Value::Null, Upload::variable(1)];
        assert_eq!(variables["files"], Value::List(files));
        let Value::Object(input) = &variables["input"] else {
            panic!("an object")
        };
        assert_eq!(input["file"], Upload::variable(0));
    }

    // SFU-04
    #[test]
    fn only_nulls_in_the_variables_can_be_replaced() {
        for path in [
            "",
            "variables",
            "input.file",
            "query.input.file",
            "variables.input",
            "variables.input.name",
            "variables.input.none",
            "variables.input.file.deeper",
            "variables.files.2",
            "variables.files.-1",
            "variables.files.x",
        ] {
            assert!(put(&mut variables(), path, 0).is_err(), "{path}");
        }
        let mut twice = variables();
        assert!(put(&mut twice, "variables.input.file", 0).is_ok());
        assert!(put(&mut twice, "variables.input.file", 1).is_err());
    }

    // GQL-07, ERR-02
    #[test]
    fn a_missing_file_is_named_by_its_place_and_its_part() {
        let missing = |map: &str, others| {
            let map = FileMap::parse(map.as_bytes()).expect("a map");
            map.missing(others).message.into_owned()
        };
        let said = missing(r#"{"0":["variables.input.file"]}"#, false);
        for part in [
            "The file for variables.input.file is missing",
            "the part \"0\"",
            "no part follows",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let said = missing(r#"{"<s3cret>":["variables.s3cret!"]}"#, true);
        assert!(!said.contains("s3cret") && said.contains("other names"), "{said}");
    }

    // DEF-01
    #[test]
    fn no_map_breaks_the_reader() {
        let map = br#"{"0":["variables.input.file","variables.files.1"],"1":["variables.files.0"]}"#;
        crate::fuzz::each(6, &[map], |json| {
            if let Ok(map) = FileMap::parse(json) {
                assert!(map.files.len() <= MOST_FILES);
                for (number, (_, places)) in map.files.iter().enumerate() {
                    let mut variables = variables();
                    for place in places {
                        let _refused_or_not = place.replace(&mut variables, number);
                    }
                }
            }
        });
    }

    #[test]
    fn a_map_is_bounded() {
        assert!(FileMap::parse(br#"{"0":["variables.a"]}"#).is_ok());
        assert!(FileMap::parse(b"{}").is_ok());
        for bad in [
            r#"[]"#,
            r#"{"0":"variables.a"}"#,
            r#"{"0":[]}"#,
            r#"{"0":[1]}"#,
            "x",
        ] {
            assert!(FileMap::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let many: BTreeMap<String, [&str; 1]> = (0..11).map(|n| (n.to_string(), ["variables.a"])).collect();
        assert!(FileMap::parse(&serde_json::to_vec(&many).expect("json")).is_err());
    }
}
