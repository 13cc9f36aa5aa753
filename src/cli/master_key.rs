//! The master key of a gateway that was given none: made once, and kept in the data directory.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::failure::Failure;
use crate::config::Config;
use crate::platform::{private, random::Random, secret::MasterKey};
use zeroize::Zeroizing;

/// Name of the file in the data directory.
const FILE: &str = "master.key";

/// The key that is set, else the data directory's, which is made where there is none.
pub(super) fn master_key(config: &Config, random: &Random) -> Result<MasterKey, Failure> {
    match &config.master_key {
        Some(key) => Ok(key.clone()),
        None => kept(&config.data_dir, random),
    }
}

fn kept(dir: &Path, random: &Random) -> Result<MasterKey, Failure> {
    let path = dir.join(FILE);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(dir, &path, random).and_then(|()| fs::read_to_string(&path))
        }
        // As it can be after a copy or a restored backup.
        Ok(text) => private::close(&path).map(|()| text),
        other => other,
    };
    let text = text.map(Zeroizing::new).map_err(|error| {
        Failure::message(format!(
            "cannot read or create the master key {}: {error}. Make the directory writable, or set GATEWAY_MASTER_KEY",
            path.display()
        ))
    })?;
    MasterKey::from_base64(text.trim()).map_err(|error| {
        Failure::message(format!(
            "the master key in {} {error}. Restore the file from a backup: without the key, encrypted data in the \
             database cannot be read",
            path.display()
        ))
    })
}

/// Makes the file with a fresh key, whole or not at all. Of two that do so at once, one wins and the other reads its key.
fn make(dir: &Path, path: &Path, random: &Random) -> io::Result<()> {
    private::create_directory(dir)?;
    let key = MasterKey::from_bytes(random.bytes());
    let draft = dir.join(format!("{FILE}.{}", random.token()));
    let linked = write(&draft, &key).and_then(|()| fs::hard_link(&draft, path));
    // A draft that cannot be removed does no harm: the key is in the file.
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        // On disk before anything is encrypted under it.
        _ => File::open(dir)?.sync_all(),
    }
}

fn write(path: &Path, key: &MasterKey) -> io::Result<()> {
    let mut file = private::options().create_new(true).open(path)?;
    file.write_all(key.to_base64().expose().as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = kept(&data, &Random::system()).expect("made");
        assert_eq!(kept(&data, &Random::system()).expect("read"), first);
        let mode = fs::metadata(data.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft stays behind");
    }

    // DEF-07
    #[test]
    fn a_key_that_others_could_read_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let first = kept(dir.path(), &Random::system()).expect("made");
        let path = dir.path().join(FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(kept(dir.path(), &Random::system()).expect("read"), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn starts_at_once_agree() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let keys: Vec<MasterKey> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| kept(&data, &Random::system()).expect("a key")))
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_damaged_key_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "short").unwrap();
        let Err(Failure::Message(message)) = kept(dir.path(), &Random::system()) else {
            panic!("refused")
        };
        assert!(message.contains(FILE) && message.contains("backup"), "{message}");
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), "short");
    }
}
