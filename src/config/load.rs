//! The variables of the process together with the `.env` file of a directory, and secrets in files of their own.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::reader::{ConfigFaults, Reader, SettingFault};
use super::setting::PREFIX;
use super::settings::SETTINGS;
use super::tree::Config;

/// Name of the file.
const FILE: &str = ".env";
/// What the name of a variable ends with that names the file with a secret, as containers are handed secrets.
const IN_FILE: &str = "_FILE";
/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 * 1024;

impl Config {
    /// Reads the `GATEWAY_*` ones among the variables; others are ignored.
    ///
    /// # Errors
    /// [`ConfigFaults`] with every wrong setting and every unknown `GATEWAY_*` name.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigFaults> {
        let mut reader = Reader::new(vars, &SETTINGS);
        let mut config = Self::read(&mut reader);
        config.check(&mut reader);
        let storage = &mut config.storage;
        storage.anonymous_quota = storage.anonymous_quota.min(storage.quota);
        reader.finish(config)
    }

    /// Reads the variables, usually `std::env::vars_os()`, and the file `.env` of `dir` if there is one. A
    /// variable wins over the file, also when it is empty.
    ///
    /// The file is read as `dotenvy` does: `NAME=value`, `#` begins a comment, and `$NAME` stands for another
    /// variable unless the value is in single quotes.
    ///
    /// A setting that is a secret can be in a file of its own, whose path is in the variable `NAME_FILE`; the setting
    /// itself wins over it.
    ///
    /// # Errors
    /// [`ConfigFaults`] with every wrong line of the file, wrong setting and unknown `GATEWAY_*` name.
    pub fn load(
        dir: &Path,
        process_vars: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigFaults> {
        let mut faults = Vec::new();
        let mut vars = read_file(&dir.join(FILE), &mut faults);
        for (name, value) in process_vars {
            // A name that is not text cannot be one of ours, whose letters are all ASCII.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => {
                    vars.insert(name, value);
                }
                Err(_) if name.starts_with(PREFIX) => {
                    vars.remove(&name);
                    faults.push(SettingFault {
                        variable: name,
                        message: "its value is not UTF-8 text".to_owned(),
                    });
                }
                Err(_) => {}
            }
        }
        read_secrets(&mut vars, &mut faults);
        match Self::from_vars(vars) {
            Ok(config) if faults.is_empty() => return Ok(config),
            Ok(_) => {}
            Err(ConfigFaults(more)) => faults.extend(more),
        }
        Err(ConfigFaults(faults))
    }
}

/// Returns the file's variables; none if there is no file.
fn read_file(path: &Path, faults: &mut Vec<SettingFault>) -> BTreeMap<String, String> {
    let mut fault = |message: String| {
        faults.push(SettingFault {
            variable: FILE.to_owned(),
            message,
        });
    };
    let mut vars = BTreeMap::new();
    let text = match read_bounded(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return vars,
        Err(cause) => {
            fault(format!("the file cannot be read: {cause}"));
            return vars;
        }
    };
    let number = Cell::new(0);
    let lines = Lines {
        rest: text.trim_start_matches('\u{feff}').as_bytes(),
        number: &number,
    };
    for entry in dotenvy::from_read_iter(lines) {
        match entry {
            Ok((name, _)) if name.starts_with(PREFIX) && vars.contains_key(&name) => {
                fault(format!("line {} sets {name} a second time", number.get()));
            }
            Ok((name, value)) => {
                vars.insert(name, value);
            }
            // The error's own text repeats the line, which may hold a secret.
            Err(_) => fault(format!(
                "line {} is not of the form NAME=value, or has an open quote; put values with spaces, # or $ into \
                 single quotes",
                number.get()
            )),
        }
    }
    vars
}

/// Replaces each variable `NAME_FILE` of a secret by `NAME`, with what the file contains.
fn read_secrets(vars: &mut BTreeMap<String, String>, faults: &mut Vec<SettingFault>) {
    for setting in SETTINGS.iter().filter(|setting| setting.secret) {
        let variable = format!("{}{IN_FILE}", setting.name);
        let path = vars.remove(&variable).filter(|path| !path.is_empty());
        let is_set = vars.get(setting.name).is_some_and(|value| !value.is_empty());
        let Some(path) = path.filter(|_| !is_set) else {
            continue;
        };
        let fault = match read_bounded(Path::new(&path)) {
            Ok(text) if text.trim().is_empty() => format!("the file {path} is empty"),
            Ok(text) => {
                vars.insert(setting.name.to_owned(), text.trim().to_owned());
                continue;
            }
            Err(cause) => format!("the file {path} cannot be read: {cause}"),
        };
        faults.push(SettingFault {
            variable,
            message: fault,
        });
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > LARGEST {
        let message = format!("it is larger than {} KiB", LARGEST / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

/// Reads a text line by line and counts the lines, because `dotenvy` does not report where an error is.
struct Lines<'a> {
    rest: &'a [u8],
    /// Number of the last line that was read, from 1 on.
    number: &'a Cell<usize>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.rest.iter().position(|b| *b == b'\n');
        let line = end.map_or(self.rest.len(), |end| end + 1);
        let length = line.min(buffer.len());
        let (part, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(part);
        self.rest = rest;
        if part.ends_with(b"\n") || (rest.is_empty() && length > 0) {
            self.number.set(self.number.get() + 1);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DatabaseServer, LogFormat};

    fn load(file: &[u8], vars: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), file).unwrap();
        let vars = vars.iter().map(|(name, value)| (name.into(), value.into()));
        Config::load(dir.path(), vars)
    }

    fn faults(file: &[u8], vars: &[(&str, &str)]) -> Vec<String> {
        let ConfigFaults(faults) = load(file, vars).unwrap_err();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_file_is_optional() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::load(dir.path(), []).unwrap();
        assert!(!config.any_set);
    }

    #[test]
    fn the_file_sets_and_variables_win() {
        let file = b"\xef\xbb\xbf# ours\nGATEWAY_LOG=debug\nexport GATEWAY_LOG_FORMAT=json # why\n\nOTHER=1\r\nGATEWAY_JOBS='off'\r\n";
        let config = load(file, &[("GATEWAY_LOG", "warn"), ("HOME", "/root")]).unwrap();
        assert_eq!(config.log.filter, "warn");
        assert_eq!(config.log.format, LogFormat::Json);
        assert!(!config.jobs && config.any_set);
    }

    #[test]
    fn an_empty_variable_puts_the_file_aside() {
        let config = load(b"GATEWAY_LOG=debug\n", &[("GATEWAY_LOG", "")]).unwrap();
        assert_eq!(config.log.filter, "info");
        assert!(!config.any_set);
    }

    #[test]
    fn single_quotes_keep_a_value_as_it_is() {
        let file = b"GATEWAY_MONGODB_URI='mongodb://u:p%40$x@db/?appName=ab'\nGATEWAY_MASTER_KEY='+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/8='\n";
        let config = load(file, &[]);
        let Ok(Config { database, .. }) = config else {
            panic!("{config:?}")
        };
        let DatabaseServer::External { uri } = database.server else {
            panic!("{database:?}")
        };
        assert_eq!(uri.expose(), "mongodb://u:p%40$x@db/?appName=ab");
    }

    #[test]
    fn a_secret_can_be_in_a_file_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("uri"), "mongodb://u:p@db/?replicaSet=rs0\n").unwrap();
        std::fs::write(path("key"), "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/8=\r\n").unwrap();
        std::fs::write(path("empty"), "\n").unwrap();
        let (uri, key) = (path("uri"), path("key"));
        let files = [
            ("GATEWAY_MONGODB_URI_FILE", &*uri),
            ("GATEWAY_MASTER_KEY_FILE", &*key),
        ];
        let config = load(b"", &files).unwrap();
        let DatabaseServer::External { uri: read } = config.database.server else {
            panic!("another server")
        };
        assert_eq!(read.expose(), "mongodb://u:p@db/?replicaSet=rs0");
        assert!(config.master_key.is_some());

        let both = [
            files[0],
            files[1],
            ("GATEWAY_MONGODB_URI", "mongodb://other/?replicaSet=rs0"),
        ];
        let DatabaseServer::External { uri: read } = load(b"", &both).unwrap().database.server else {
            panic!("another server")
        };
        assert_eq!(read.expose(), "mongodb://other/?replicaSet=rs0");

        let (missing, empty) = (path("missing"), path("empty"));
        let wrong = [
            ("GATEWAY_MASTER_KEY_FILE", &*missing),
            ("GATEWAY_SMTP_URL_FILE", &*empty),
        ];
        let faults = faults(b"", &wrong);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(
            faults[0].starts_with("GATEWAY_MASTER_KEY_FILE: the file "),
            "{faults:?}"
        );
        assert!(
            faults[1].starts_with("GATEWAY_SMTP_URL_FILE: the file "),
            "{faults:?}"
        );
        // Only secrets are in files.
        assert!(load(b"", &[("GATEWAY_LOG_FILE", &*key)]).is_err());
    }

    #[test]
    fn each_malformed_line_is_named_by_its_number_alone() {
        let long = format!("LONG={}\n", "x".repeat(20_000));
        let file = format!(
            "GATEWAY_LOG=info\nhunter2\n# fine\n{long}\n=hunter2\nGATEWAY_JOBS=on hunter2\nA='hunter2\n"
        );
        let faults = faults(file.as_bytes(), &[]);
        let lines: Vec<&str> = faults
            .iter()
            .filter_map(|fault| fault.strip_prefix(".env: line ")?.split(' ').next())
            .collect();
        assert_eq!(lines, ["2", "6", "7", "8"], "{faults:#?}");
        assert!(!faults.concat().contains("hunter2"), "{faults:#?}");
    }

    #[test]
    fn a_name_may_stand_once() {
        let faults = faults(b"GATEWAY_LOG=info\nA=1\nA=2\nGATEWAY_LOG=debug\n", &[]);
        assert_eq!(faults, [".env: line 4 sets GATEWAY_LOG a second time"]);
    }

    #[test]
    fn faults_of_file_and_variables_come_together() {
        let faults = faults(b"?\nGATEWAY_JOSB=off\n", &[("GATEWAY_LOG_FORMAT", "xml")]);
        assert_eq!(faults.len(), 3, "{faults:#?}");
        assert!(faults[0].starts_with(".env: line 1 "));
        assert_eq!(
            faults[1],
            "GATEWAY_JOSB: unknown setting; did you mean GATEWAY_JOBS?"
        );
        assert!(faults[2].starts_with("GATEWAY_LOG_FORMAT: \"xml\" is neither text nor json;"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_fault() {
        assert!(faults(b"\xff\xfe", &[])[0].starts_with(".env: the file cannot be read: "));
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(FILE)).unwrap();
        let faults = Config::load(dir.path(), []).unwrap_err();
        assert!(faults.to_string().starts_with(".env: the file cannot be read: "));
    }

    #[cfg(unix)]
    #[test]
    fn only_our_variables_need_be_text() {
        use std::os::unix::ffi::OsStringExt as _;
        let bytes = || OsString::from_vec(vec![0xff]);
        let dir = tempfile::tempdir().unwrap();
        assert!(Config::load(dir.path(), [("OTHER".into(), bytes()), (bytes(), bytes())]).is_ok());
        let faults = Config::load(dir.path(), [("GATEWAY_LOG".into(), bytes())]).unwrap_err();
        assert_eq!(faults.to_string(), "GATEWAY_LOG: its value is not UTF-8 text");
    }
}
