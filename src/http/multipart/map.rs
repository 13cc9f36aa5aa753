//! The part `map`: which part's file goes to which place of the variables.

use std::collections::BTreeMap;

use async_graphql::{Value, Variables};

use crate::http::fault::Fault;
use crate::platform::json::{self, Bounds};
use crate::platform::scalar::Upload;

/// Files of one request.
const MOST_FILES: usize = 10;
/// Places of one file.
const MOST_PLACES: usize = 10;
/// What the JSON of the part holds at most: an object of lists of texts.
const BOUNDS: Bounds = Bounds {
    depth: 2,
    values: 256,
};

/// The files that the request announces, by the name of their part.
#[derive(Debug)]
pub(super) struct FileMap {
    pub(super) files: Vec<(String, Vec<Place>)>,
}

/// A place in the variables, such as `variables.input.file` or `variables.files.0`.
#[derive(Debug)]
pub(super) struct Place(String);

impl FileMap {
    /// Reads the part.
    ///
    /// # Errors
    /// 400 that says what is wrong.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Fault> {
        if let Err(excess) = json::check(json, &BOUNDS) {
            return Err(Fault::bad_request(format!(
                "The part \"map\" {excess}. It is an object of lists of paths, such as {{\"0\": [\"variables.input.file\"]}}."
            )));
        }
        let Ok(map) = serde_json::from_slice::<BTreeMap<String, Vec<String>>>(json) else {
            return Err(Fault::bad_request(
                "The part \"map\" is not a JSON object of lists of paths, such as {\"0\": [\"variables.input.file\"]}.",
            ));
        };
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
            .map(|(part, places)| (part, places.into_iter().map(Place).collect()))
            .collect();
        Ok(Self { files })
    }
}

impl Place {
    /// Puts the file of this number here, where the variables have null.
    ///
    /// # Errors
    /// 400 when there is no such place, or something else stands there.
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
            _ => Err(Fault::bad_request(
                "A path in \"map\" leads nowhere: each begins with \"variables.\" and names a place where the variables \
                 have null, and no two files have the same.",
            )),
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

    // SFU-04
    #[test]
    fn a_file_takes_the_place_of_a_null() {
        let mut variables = variables();
        for (number, path) in ["variables.input.file", "variables.files.1"]
            .into_iter()
            .enumerate()
        {
            Place(path.to_owned())
                .replace(&mut variables, number)
                .expect("a place");
        }
        assert_eq!(
            variables["files"],
            Value::List(vec![Value::Null, Upload::variable(1)])
        );
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
            let refused = Place(path.to_owned()).replace(&mut variables(), 0);
            assert!(refused.is_err(), "{path}");
        }
        let mut twice = variables();
        assert!(
            Place("variables.input.file".to_owned())
                .replace(&mut twice, 0)
                .is_ok()
        );
        assert!(
            Place("variables.input.file".to_owned())
                .replace(&mut twice, 1)
                .is_err()
        );
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
                    let _refused_or_not = places
                        .iter()
                        .map(|place| place.replace(&mut variables, number))
                        .count();
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
