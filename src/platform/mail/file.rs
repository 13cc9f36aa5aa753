//! Mails as files, for machines without a mail server: any mail program opens an `.eml`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::DateTime;

use crate::platform::{clock::Timestamp, private};

/// A folder of mails. Mails contain keys that give access to accounts, so that only its owner may read it.
pub(super) struct Folder(PathBuf);

/// Returns the file's name, which sorts by time and contains the ids of the person concerned and of the message.
pub(super) fn name(now: Timestamp, concerns: &str, message_id: &str) -> String {
    let time = DateTime::from_timestamp_millis(now.millis()).unwrap_or_default();
    let time = time.format("%Y%m%dT%H%M%S%.3fZ");
    format!("{time}-{concerns}-{message_id}.eml")
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Writes a file atomically.
    pub(super) async fn write(&self, name: String, content: Vec<u8>) -> io::Result<()> {
        self.blocking(move |folder| {
            let fresh = folder.join(format!(".{name}.part"));
            let written = write(&fresh, &content).and_then(|()| fs::rename(&fresh, folder.join(&name)));
            if written.is_err() {
                // If it cannot be removed either, it stays as a hidden file, which does no harm.
                drop(fs::remove_file(&fresh));
            }
            written
        })
        .await
    }

    /// Removes the files that concern a person.
    pub(super) async fn forget(&self, concerns: &str) -> io::Result<()> {
        let theirs = format!("-{concerns}-");
        self.blocking(move |folder| {
            for file in fs::read_dir(folder)? {
                let file = file?;
                if file.file_name().to_string_lossy().contains(&theirs) {
                    match fs::remove_file(file.path()) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                        _ => {}
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Checks that files can be written.
    pub(super) async fn probe(&self) -> io::Result<()> {
        self.blocking(|folder| {
            let trial = folder.join(".check");
            write(&trial, &[])?;
            fs::remove_file(trial)
        })
        .await
    }

    /// Runs `work` in the folder, which is created if it is missing, on a thread that may block.
    async fn blocking(&self, work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static) -> io::Result<()> {
        let folder = self.0.clone();
        tokio::task::spawn_blocking(move || {
            private::directory(&folder)?;
            work(&folder)
        })
        .await
        .map_err(io::Error::other)?
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = private::options().create(true).truncate(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn names_sort_by_time() {
        let at = |millis| name(Timestamp::from_millis(millis), "cus_1", "job_1");
        assert_eq!(at(1_700_000_000_007), "20231114T221320.007Z-cus_1-job_1.eml");
        assert!(at(999) < at(1_000) && at(1_000) < at(10_000));
    }

    #[tokio::test]
    async fn a_mail_is_its_owners_alone_and_whole() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::new(data.path().join("mail"));
        folder.probe().await.unwrap();
        let content = b"Subject: a".to_vec();
        folder.write("a.eml".to_owned(), content).await.unwrap();
        let files: Vec<_> = fs::read_dir(&folder.0).unwrap().flatten().collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(fs::read(files[0].path()).unwrap(), b"Subject: a");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.0), mode(&files[0].path())), (0o700, 0o600));
    }

    #[tokio::test]
    async fn what_concerns_somebody_goes_and_the_rest_stays() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::new(data.path().join("mail"));
        for name in ["1-cus_1-a.eml", "2-cus_11-b.eml", "3-cus_1-c.eml"] {
            folder.write(name.to_owned(), Vec::new()).await.unwrap();
        }
        folder.forget("cus_1").await.unwrap();
        let left = fs::read_dir(&folder.0).unwrap().flatten();
        let left: Vec<_> = left.map(|file| file.file_name()).collect();
        assert_eq!(left, ["2-cus_11-b.eml"]);
        // A folder that does not exist is not an error.
        let missing = Folder::new(data.path().join("none"));
        missing.forget("cus_1").await.unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_an_error() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("mail"), "a file").unwrap();
        let folder = Folder::new(data.path().join("mail"));
        assert!(folder.probe().await.is_err());
        assert!(folder.write("a.eml".to_owned(), Vec::new()).await.is_err());
    }
}
