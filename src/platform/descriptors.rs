//! The process's limit of open files, which connections of clients and of the database share.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Kept for all that is no client's connection: a hundred connections to each database server that is asked and a few that
/// watch it, files, mails, requests to other servers, and connections that are just being refused.
const RESERVE: usize = 256;

/// Raises the limit as far as the process may (`ulimit -Hn`).
pub fn raise() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    if soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        // As on systems that name no limit and have one all the same: what there is stays.
        tracing::debug!(%error, soft, hard, "cannot raise the limit of open files");
    }
}

/// The limit now, and the clients' connections that it leaves room for.
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
