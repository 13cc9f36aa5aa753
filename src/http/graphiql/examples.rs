//! The operations that GraphiQL opens with: the life of a storefront user, from the first visit to the payment, and a
//! customer's account.

use serde::Serialize;
use serde_json::{Value, json};

/// The values in the examples. A missing value is replaced by a placeholder that describes it.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The URL of the gateway as a browser uses it, without a trailing slash: `http://127.0.0.1:8080`.
    pub public_url: String,
    /// A storefront's publishable key (`pk_…`).
    pub public_key: Option<String>,
    /// A backend's secret (`sk_…`). Only that of a demo may be set, because everyone who opens the page can read it.
    pub backend_secret: Option<String>,
    /// The storefront to use (`sto_…`); required if the backend covers several.
    pub storefront_id: Option<String>,
    /// E-mail address and password of a demo's customer.
    pub customer: Option<(String, String)>,
}

/// An example operation. GraphiQL names the tab after it.
#[derive(Serialize)]
pub(super) struct Tab {
    /// The document, with comments for the reader.
    pub(super) query: String,
    /// The content of the variables editor, a JSON object. `None`: an empty editor.
    variables: Option<String>,
    /// The content of the header editor, a JSON object.
    headers: String,
}

impl Tab {
    /// Makes a tab whose operation is sent with this bearer credential, and no variables. The credential is ASCII: a
    /// browser refuses to send anything else in a header.
    fn new(query: impl Into<String>, credential: &str) -> Self {
        let headers = json!({ "Authorization": format!("Bearer {credential}") });
        Self {
            query: query.into(),
            variables: None,
            headers: format!("{headers:#}"),
        }
    }

    fn with(self, variables: &Value) -> Self {
        Self {
            variables: Some(format!("{variables:#}")),
            ..self
        }
    }
}

/// Returns the example tabs, filled with the given credentials.
pub(super) fn example_tabs(credentials: &Credentials) -> Vec<Tab> {
    let key = credentials.public_key.as_deref();
    let key = key.unwrap_or("PASTE-THE-PUBLISHABLE-KEY-HERE");
    let secret = credentials.backend_secret.as_deref();
    let secret = secret.unwrap_or("PASTE-THE-BACKEND-SECRET-HERE");
    let token = "PASTE-THE-ACCESS-TOKEN-HERE";
    let (email, password) = match &credentials.customer {
        Some((email, password)) => (email.as_str(), password.as_str()),
        None => ("PASTE-AN-E-MAIL-ADDRESS-HERE", "PASTE-THE-PASSWORD-HERE"),
    };
    let upload = upload_command(&credentials.public_url);
    vec![
        Tab::new(WHO_AM_I, key),
        Tab::new(REGISTER_ANONYMOUS_USER, key),
        Tab::new(format!("{UPLOAD}# {upload}\n#\n{MY_STORAGE}"), token),
        Tab::new(MERGE_AT_PAYMENT, secret).with(&json!({
            "storefrontId": credentials.storefront_id,
            "anonymous": "PASTE-THE-ANONYMOUS-STOREFRONT-USER-ID-HERE",
            "regular": "shopper-4711",
        })),
        Tab::new(SIGN_IN, key).with(&json!({ "email": email, "password": password })),
        Tab::new(MY_ACCOUNT, token),
    ]
}

/// Returns a curl command that uploads a file (GraphQL multipart request specification). A cross-site form cannot send
/// the preflight header.
fn upload_command(public_url: &str) -> String {
    let operations = json!({
        "query": "mutation ($file: Upload!) { storageItemUpload(input: { file: $file }) { storageItem { id name } userErrors { code message } } }",
        "variables": { "file": null },
    });
    let map = json!({ "file": ["variables.file"] });
    format!(
        "curl {public_url}/graphql -H \"Authorization: Bearer $TOKEN\" -H 'GraphQL-Require-Preflight: 1' \
         -F operations='{operations}' -F map='{map}' -F file=@design.png"
    )
}

const WHO_AM_I: &str = r"# Who am I?
# The key under Headers stands for an online store
# and may be shipped to a browser.
# Run this with Ctrl-Enter (⌘-Enter).
query WhoAmI {
  viewer {
    kind
    scopes
    organization {
      name
    }
    storefront {
      id
      name
      code
    }
  }
}
";

const REGISTER_ANONYMOUS_USER: &str = r"# Register an anonymous user: somebody who designs
# before signing in. Keep two things of the answer:
# accessToken for the tab MyStorage,
# storefrontUserId for the tab MergeAtPayment.
mutation RegisterAnonymousUser {
  storefrontUserRegister(input: { isAnonymous: true }) {
    storefrontUser {
      id
      storefrontUserId
      expiresAt
    }
    token {
      accessToken
      expiresAt
    }
    userErrors {
      code
      message
      field
    }
  }
}
";

const UPLOAD: &str = "# My storage: what a user has uploaded or designed.
# Put the accessToken of RegisterAnonymousUser
# into Headers.
#
# GraphiQL cannot send files. To upload one, put the
# token into a shell's variable TOKEN and run this:
#
";

const MY_STORAGE: &str = r"query MyStorage {
  viewer {
    storefrontUser {
      privateStorage {
        itemCount
        totalBytes
        items(first: 10) {
          nodes {
            name
            contentType
            byteSize
            url
          }
        }
      }
    }
  }
}
";

const MERGE_AT_PAYMENT: &str = r"# Merge at payment: the shopper has signed in, and the
# store's backend hands over the storage. Its secret is
# under Headers: never ship one to a browser.
# In Variables, anonymous is the storefrontUserId of
# RegisterAnonymousUser, and regular the store's own
# id of the shopper. Running it twice does no harm.
mutation MergeAtPayment(
  $storefrontId: ID
  $anonymous: String!
  $regular: String!
) {
  storefrontUserEnsure(
    input: {
      storefrontId: $storefrontId
      storefrontUserId: $regular
      isAnonymous: false
    }
  ) {
    created
    userErrors {
      code
      message
    }
  }
  storefrontUserMergeAnonymous(
    input: {
      storefrontId: $storefrontId
      anonymousStorefrontUserId: $anonymous
      regularStorefrontUserId: $regular
    }
  ) {
    alreadyMerged
    movedItemCount
    movedBytes
    userErrors {
      code
      message
      field
    }
  }
}
";

const SIGN_IN: &str = r"# Sign in: a customer, by e-mail address and password.
# With anonymousUserToken, what was designed before
# comes along. Keep the accessToken of the answer for
# the tab MyAccount.
mutation SignIn($email: String!, $password: String!) {
  customerTokenCreate(
    input: { email: $email, password: $password }
  ) {
    token {
      accessToken
      expiresAt
      refreshToken
      refreshTokenExpiresAt
    }
    mergedItemCount
    warnings {
      code
      message
      field
    }
    userErrors {
      code
      message
      field
      retryAfterSeconds
    }
  }
}
";

const MY_ACCOUNT: &str = r"# My account: what the signed-in customer sees.
# Put the accessToken of SignIn into Headers.
query MyAccount {
  viewer {
    customer {
      email
      firstName
      lastName
      status
      orders(first: 5) {
        nodes {
          number
          status
          placedAt
          total {
            amount
            currencyCode
          }
        }
      }
      defaultShippingAddress {
        ...Envelope
      }
      addresses(first: 10) {
        nodes {
          ...Envelope
        }
      }
      sessions {
        userAgent
        lastUsedAt
        isCurrent
      }
    }
  }
}

fragment Envelope on Address {
  label
  company
  address1
  zipCode
  city
  country
}
";

#[cfg(test)]
mod tests {
    use super::*;

    fn with(key: Option<&str>, secret: Option<&str>) -> Credentials {
        Credentials {
            public_url: "https://shop.example".to_owned(),
            public_key: key.map(str::to_owned),
            backend_secret: secret.map(str::to_owned),
            ..Credentials::default()
        }
    }

    fn authorization(tab: &Tab) -> String {
        let headers: Value = serde_json::from_str(&tab.headers).expect("JSON");
        headers["Authorization"].as_str().expect("a header").to_owned()
    }

    #[test]
    fn each_tab_has_the_credential_that_its_operation_needs() {
        let tabs = example_tabs(&with(Some("pk_shop"), Some("sk_backend")));
        let credentials: Vec<String> = tabs.iter().map(authorization).collect();
        assert_eq!(
            credentials,
            [
                "Bearer pk_shop",
                "Bearer pk_shop",
                "Bearer PASTE-THE-ACCESS-TOKEN-HERE",
                "Bearer sk_backend",
                "Bearer pk_shop",
                "Bearer PASTE-THE-ACCESS-TOKEN-HERE"
            ]
        );
    }

    #[test]
    fn without_credentials_placeholders_stand_there_that_a_header_can_hold() {
        for tab in example_tabs(&with(None, None)) {
            let value = authorization(&tab);
            assert!(value.starts_with("Bearer PASTE-THE-"), "{value}");
            assert!(value.is_ascii(), "{value}");
        }
    }

    #[test]
    fn the_variables_of_a_tab_are_those_of_its_document() {
        let mut names = Vec::new();
        for tab in example_tabs(&with(None, None)) {
            let variables = tab.variables.as_deref().unwrap_or("{}");
            let variables: Value = serde_json::from_str(variables).expect("JSON");
            for name in variables.as_object().expect("an object").keys() {
                let is_declared = tab.query.contains(&format!("${name}: "));
                assert!(is_declared, "{name} is not declared");
                names.push(name.clone());
            }
        }
        names.sort();
        assert_eq!(
            names,
            ["anonymous", "email", "password", "regular", "storefrontId"]
        );
    }

    #[test]
    fn the_upload_is_one_line_that_a_shell_takes() {
        let tabs = example_tabs(&with(None, None));
        let mut lines = tabs[2].query.lines();
        let line = lines.find(|line| line.starts_with("# curl "));
        let line = line.expect("a curl command");
        assert!(line.contains("curl https://shop.example/graphql "), "{line}");
        assert!(line.contains("-H 'GraphQL-Require-Preflight: 1'"), "{line}");
        assert!(line.ends_with("-F file=@design.png"), "{line}");
        assert_eq!(line.matches('\'').count() % 2, 0, "{line}");
    }
}
