//! Files and directories that only this user may read. They are created with their mode, so that there is no moment at
//! which another user could open one.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Mode of a directory: accessible to its owner only.
const DIRECTORY: u32 = 0o700;
/// Mode of a file: accessible to its owner only, and never executable.
const FILE: u32 = 0o600;
/// Permissions of group and others.
const OTHERS: u32 = 0o077;
/// The permission of group and others to add, rename and remove a directory's entries.
const OTHERS_WRITE: u32 = 0o022;

/// Creates a directory with mode 0700, and its parents, if it is missing; removes the permissions of other users from
/// an existing one.
///
/// # Errors
/// It cannot be created, or it belongs to another user and others have permissions on it.
pub fn directory(path: &Path) -> io::Result<()> {
    create_directory(path)?;
    close(path)
}

/// Creates a directory with mode 0700, and its parents, if it is missing; does not change an existing one.
///
/// # Errors
/// It cannot be created.
pub fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(path)
}

/// Creates a directory with mode 0700.
///
/// # Errors
/// It cannot be created, or exists already.
pub fn new_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(DIRECTORY).create(path)
}

/// Removes the permissions of other users from a file or directory.
///
/// # Errors
/// It is missing, or it belongs to another user and others have permissions on it.
pub fn close(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & DIRECTORY))
}

/// Returns whether other users can add, rename or remove entries of the directory, and thereby replace a file in it.
///
/// # Errors
/// It is missing.
pub fn is_writable_by_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & OTHERS_WRITE != 0)
}

/// Returns options to open a file for writing that create it with mode 0600.
#[must_use]
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE);
    options
}

/// Writes a file atomically, replacing an existing one. There must be only one writer at a time.
///
/// # Errors
/// It cannot be written; an existing file is unchanged.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = beside(path);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = options().create_new(true).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// Returns the file's name while it is being written.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    // DEF-07
    #[test]
    fn a_file_is_its_owners_from_the_first_moment_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        // A draft that an interrupted start has left, and that others could read.
        fs::write(beside(&path), "left").unwrap();
        fs::set_permissions(beside(&path), Permissions::from_mode(0o666)).unwrap();
        replace(&path, b"one").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o600, b"one".to_vec()));
        replace(&path, b"two").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o600, b"two".to_vec()));
        assert!(!beside(&path).exists());
    }

    // DEF-07
    #[test]
    fn a_directory_that_was_open_to_others_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        directory(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o700, 0o700));
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        assert!(is_writable_by_others(&path).unwrap());
        directory(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert!(!is_writable_by_others(&path).unwrap());
    }
}
