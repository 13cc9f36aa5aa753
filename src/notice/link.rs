//! Links to the account page of a store.

use url::Url;

use crate::platform::secret::Secret;

/// Returns a page below the account page, with one more parameter: `U/reset?key=…`. The account page's own path and
/// query are kept, its fragment is removed. `None` if there is no account page, or none that a browser can open.
pub(super) fn below(account_url: Option<&str>, page: &str, parameter: &str, value: &Secret) -> Option<Url> {
    let mut url = account_page(account_url)?;
    url.path_segments_mut().ok()?.pop_if_empty().push(page);
    url.query_pairs_mut().append_pair(parameter, value.expose());
    url.set_fragment(None);
    Some(url)
}

/// Returns the account page itself.
pub(super) fn account_page(account_url: Option<&str>) -> Option<Url> {
    let url = Url::parse(account_url?).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reset(account: Option<&str>, key: &str) -> Option<String> {
        below(account, "reset", "key", &Secret::from(key)).map(String::from)
    }

    #[test]
    fn pages_are_below_the_account_page() {
        for (account, link) in [
            ("https://a.example", "https://a.example/reset?key=a-1"),
            ("https://a.example/", "https://a.example/reset?key=a-1"),
            ("https://a.example/b", "https://a.example/b/reset?key=a-1"),
            ("https://a.example/b/", "https://a.example/b/reset?key=a-1"),
            (
                "http://a:3000/b%20c/ü",
                "http://a:3000/b%20c/%C3%BC/reset?key=a-1",
            ),
            ("https://a.example/?b=c", "https://a.example/reset?b=c&key=a-1"),
            (
                "https://a.example/b?c=d&e=%26",
                "https://a.example/b/reset?c=d&e=%26&key=a-1",
            ),
            ("https://a.example/b#top", "https://a.example/b/reset?key=a-1"),
        ] {
            assert_eq!(reset(Some(account), "a-1").as_deref(), Some(link), "{account}");
        }
    }

    #[test]
    fn a_value_stays_one_value() {
        let link = "https://a.example/reset?key=a%26b%3Dc+d%23e%22";
        assert_eq!(
            reset(Some("https://a.example"), "a&b=c d#e\"").as_deref(),
            Some(link)
        );
    }

    #[test]
    fn what_is_no_page_makes_no_link() {
        for account in [
            "",
            "account",
            "javascript:alert(1)",
            "mailto:a@b.example",
            "ftp://a.example",
        ] {
            assert_eq!(reset(Some(account), "a"), None, "{account}");
        }
        assert_eq!(reset(None, "a"), None);
    }
}
