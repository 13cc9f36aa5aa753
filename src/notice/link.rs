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

    #[test]
    fn pages_are_below_the_account_page() {
        for (account, link) in [
            ("https://shop.example", "https://shop.example/reset?key=a-1"),
            ("https://shop.example/", "https://shop.example/reset?key=a-1"),
            (
                "https://shop.example/account",
                "https://shop.example/account/reset?key=a-1",
            ),
            (
                "https://shop.example/account/",
                "https://shop.example/account/reset?key=a-1",
            ),
            (
                "http://localhost:3000/a%20b/ü",
                "http://localhost:3000/a%20b/%C3%BC/reset?key=a-1",
            ),
            (
                "https://shop.example/?lang=de",
                "https://shop.example/reset?lang=de&key=a-1",
            ),
            (
                "https://shop.example/account?lang=de&x=%26",
                "https://shop.example/account/reset?lang=de&x=%26&key=a-1",
            ),
            (
                "https://shop.example/account#top",
                "https://shop.example/account/reset?key=a-1",
            ),
        ] {
            let made = below(Some(account), "reset", "key", &Secret::from("a-1"));
            assert_eq!(made.as_ref().map(Url::as_str), Some(link), "{account}");
        }
    }

    #[test]
    fn a_value_stays_one_value() {
        let made = below(
            Some("https://shop.example"),
            "verify",
            "token",
            &Secret::from("a&b=c d#e\""),
        )
        .unwrap();
        assert_eq!(
            made.as_str(),
            "https://shop.example/verify?token=a%26b%3Dc+d%23e%22"
        );
    }

    #[test]
    fn what_is_no_page_makes_no_link() {
        for account in [
            "",
            "account",
            "javascript:alert(1)",
            "mailto:a@b.example",
            "ftp://shop.example",
        ] {
            assert!(
                below(Some(account), "reset", "key", &Secret::from("a")).is_none(),
                "{account}"
            );
        }
        assert!(below(None, "reset", "key", &Secret::from("a")).is_none());
    }
}
