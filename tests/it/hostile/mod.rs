//! Hostile clients, against the gateway's own program: what they send, keep open or do not read must not affect other
//! clients. One file for each requirement.

mod decoders;
mod def_01_memory;
mod def_02_multipart;
mod def_03_readers;
mod def_04_connections;
mod documents;
mod measurements;

use std::sync::Once;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;

use crate::kit::{Caller, mutation};

const MIB: u64 = 1024 * 1024;

/// Raises this process's limit of open files to the hard limit, for enough connections to attack with.
fn raise_descriptor_limit() {
    static ARMED: Once = Once::new();
    ARMED.call_once(|| {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("raised");
    });
}

/// Returns the head of an upload with the boundary `x` and a Content-Length of `length` bytes.
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

/// Returns the parts of a user's upload to their own storage, up to the content of its file.
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
