//! The process's limit of open files, which connections of clients and of the database share.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors reserved for everything except client connections: a hundred connections to each database server in use
/// and a few that monitor it, files, mails, requests to other servers, and connections that are just being refused.
const RESERVE: usize = 256;

/// Raises the soft limit to the hard limit (`ulimit -Hn`).
pub fn raise() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    if soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        // For example on systems that report no limit but have one; the current limit remains.
        tracing::debug!(%error, soft, hard, "cannot raise the limit of open files");
    }
}

/// Returns the current limit, and the number of client connections that it allows.
#[must_use]
pub fn room() -> (usize, usize) {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    (limit, clients(limit))
}

/// A process with very few descriptors gives half of them to clients.
fn clients(limit: usize) -> usize {
    limit.saturating_sub(RESERVE).max(limit / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-04
    #[test]
    fn descriptors_are_kept_for_the_database() {
        for (limit, left) in [
            (1024, 768),
            (512, 256),
            (256, 128),
            (1, 1),
            (usize::MAX, usize::MAX - RESERVE),
        ] {
            assert_eq!(clients(limit), left, "{limit}");
        }
    }
}
