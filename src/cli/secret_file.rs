//! Secrets that an operator passes to a command: in a file or on standard input, never on the command line, which every user of
//! the machine can read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::failure::Failure;
use crate::platform::secret::Secret;

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";
/// Largest secret, in bytes; providers' secrets have fewer than a hundred.
const LARGEST: usize = 4096;

/// Reads the secret in a file, or on standard input for `-`. The end of its line does not belong to it.
pub(super) fn read(path: &Path) -> Result<Secret, Failure> {
    let (bytes, name) = if path.as_os_str() == STANDARD_INPUT {
        (bounded(io::stdin().lock()), "standard input".to_owned())
    } else {
        (File::open(path).and_then(bounded), path.display().to_string())
    };
    let bytes = bytes
        .map_err(|error| Failure::message(format!("cannot read the client secret from {name}: {error}")))?;
    secret(&bytes).map_err(|wrong| Failure::message(format!("{name} {wrong}")))
}

/// Reads at most one byte more than a secret may have.
fn bounded(source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    source.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Checks a secret. The reason for a refusal does not contain it.
fn secret(bytes: &[u8]) -> Result<Secret, String> {
    if bytes.len() > LARGEST {
        return Err(format!(
            "contains more than {LARGEST} bytes, the maximum length of a client secret"
        ));
    }
    let text = str::from_utf8(bytes).map_err(|_position| "does not contain UTF-8 text".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let fault = if text.is_empty() {
        "contains no client secret; omit --client-secret-file if the provider gave none"
    } else if text.chars().any(char::is_control) {
        "contains more than one line, or control characters; a client secret is one line"
    } else {
        return Ok(Secret::from(text));
    };
    Err(fault.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        match read(path) {
            Err(Failure::Message(message)) => message,
            other => panic!("not refused: {other:?}"),
        }
    }

    // DEF-09
    #[test]
    fn a_secret_is_a_line_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        for text in ["s3cret – 1", "s3cret – 1\n", "s3cret – 1\r\n"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&path).expect("read"), Secret::from("s3cret – 1"), "{text:?}");
        }
    }

    // DEF-09
    #[test]
    fn what_is_wrong_with_a_secret_is_told_without_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let long = "hunter2".repeat(LARGEST);
        for (content, expected) in [
            (b"".as_slice(), "contains no client secret"),
            (b"\n", "contains no client secret"),
            (b"hunter2\nhunter2\n", "one line"),
            (b"hunter2\0", "control characters"),
            (b"hunter2\xff", "UTF-8"),
            (long.as_bytes(), "4096 bytes"),
        ] {
            std::fs::write(&path, content).unwrap();
            let message = refused(&path);
            assert!(
                message.contains(expected) && message.contains("secret"),
                "{message}"
            );
            assert!(!message.contains("hunter2"), "{message}");
        }
        let message = refused(&dir.path().join("none"));
        assert!(
            message.contains("none") && message.contains("cannot read"),
            "{message}"
        );
    }
}
