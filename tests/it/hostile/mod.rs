//! Hostile clients, against the gateway's own program: what they send, hold and do not read hurts nobody else. A file a
//! requirement.

mod decoders;
mod def_01_memory;
mod def_02_multipart;
mod def_03_readers;
mod def_04_connections;
mod documents;
mod measures;

use std::sync::Once;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;

use crate::kit::{Caller, mutation};

const MIB: u64 = 1024 * 1024;

/// Lets this process open enough connections to attack with.
fn arm() {
    static ARMED: Once = Once::new();
    ARMED.call_once(|| {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("raised");
    });
}

/// The head of an upload with the boundary `x`, of which `length` bytes are announced.
fn upload_head(by: &Caller, length: usize) -> String {
    let credential = by.credential.as_deref();
    let credential = credential.map_or_else(String::new, |credential| {
        format!("authorization: Bearer {credential}\r\n")
    });
    format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\n{credential}graphql-require-preflight: 1\r\n\
         content-type: multipart/form-data; boundary=x\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// The parts of an upload of a person's own up to the content of its file.
fn upload_parts() -> String {
    let operations =
        json!({ "query": mutation("storageItemUpload"), "variables": { "input": { "file": null } } });
    let head = "--x\r\ncontent-disposition: form-data; name=";
    format!(
        "{head}operations\r\n\r\n{operations}\r\n{head}map\r\n\r\n{{\"0\":[\"variables.input.file\"]}}\r\n{head}0; \
         filename=\"a.png\"\r\n\r\n"
    )
}

const UPLOAD_END: &str = "\r\n--x--\r\n";
