//! A GraphQL client: sends queries, mutations and uploads, and returns the HTTP response where a test needs it.

use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::gateway::Gateway;

/// A caller of the gateway, with or without a credential.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) credential: Option<String>,
    /// A gateway in another process to which requests are sent instead.
    elsewhere: Option<(String, reqwest::Client)>,
    /// Additional headers.
    headers: HeaderMap,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            status,
            headers,
            body,
        }
    }

    /// Returns the data of a response without errors.
    #[track_caller]
    pub(crate) fn data(self) -> Value {
        assert!(self.body.get("errors").is_none(), "{:#}", self.body);
        let Value::Object(mut body) = self.body else {
            panic!("{}: {}", self.status, self.body)
        };
        body.remove("data")
            .unwrap_or_else(|| panic!("{body:?} has no data"))
    }

    /// Returns the message of the first top-level error.
    #[track_caller]
    pub(crate) fn message(&self) -> &str {
        let message = self.body["errors"][0]["message"].as_str();
        message.unwrap_or_else(|| panic!("{}: {}", self.status, self.body))
    }

    /// Returns the codes of the top-level errors.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors
            .map(|error| error["extensions"]["code"].as_str().unwrap_or("(no code)"))
            .collect()
    }
}

/// A file to upload, with the input for it.
#[derive(Clone, Default)]
pub(crate) struct Upload<'a> {
    pub(crate) file_name: &'a str,
    pub(crate) bytes: Vec<u8>,
    /// The other fields of the input.
    pub(crate) input: Value,
}

/// Returns the selection set of each mutation's payload.
fn selection(field: &str) -> &'static str {
    match field {
        "storefrontUserRegister" => {
            "storefrontUser { id storefrontUserId isAnonymous } token { accessToken tokenType expiresAt }"
        }
        "storefrontUserEnsure" => "storefrontUser { id storefrontUserId isAnonymous } created",
        "storefrontUserTokenIssue" => "token { accessToken tokenType expiresAt } storefrontUser { id }",
        "storefrontUserMergeAnonymous" => {
            "storefrontUser { id storefrontUserId } alreadyMerged movedItemCount movedBytes"
        }
        "storefrontUserPromote" => "storefrontUser { id storefrontUserId isAnonymous expiresAt }",
        "storefrontUserDelete" => "deletedStorefrontUserId deletedItemCount",
        "storageItemUpload" | "storageItemUpdate" => {
            "storageItem { id name folder kind contentType byteSize sha256 }"
        }
        "storageItemDelete" => "deletedStorageItemId",
        "customerRegister" => {
            "customer { id reference email } token { accessToken refreshToken tokenType } mergedItemCount \
             warnings { code message field legacyCode }"
        }
        "customerUpdate" | "customerPasswordSet" => {
            "customer { id reference email firstName lastName salutation gender dateOfBirth isEmailVerified hasPassword \
             shopperReference version createdAt updatedAt }"
        }
        "customerTokenCreate"
        | "customerTokenCreateWithOidc"
        | "customerTokenIssue"
        | "customerTokenRefresh" => {
            "token { accessToken refreshToken tokenType } customer { id reference } mergedItemCount \
             warnings { code message field legacyCode }"
        }
        "customerTokenRevoke"
        | "customerPasswordResetRequest"
        | "customerEmailVerificationRequest"
        | "customerEmailChangeRequest" => "__typename",
        "customerPasswordReset" => {
            "customer { id isEmailVerified } token { accessToken refreshToken tokenType }"
        }
        "customerEmailVerify" | "customerEmailChangeConfirm" => {
            "customer { id email isEmailVerified hasPassword }"
        }
        "customerPasswordChange" => "customer { id } token { accessToken refreshToken tokenType }",
        "customerAddressCreate" | "customerAddressUpdate" => {
            "address { id label salutation firstName lastName company address1 address2 address3 zipCode city region \
             iso2Code country phone isDefaultShipping isDefaultBilling createdAt updatedAt version } \
             customer { id version updatedAt defaultShippingAddress { id } defaultBillingAddress { id } }"
        }
        "customerAddressDelete" => {
            "deletedAddressId customer { id defaultShippingAddress { id } defaultBillingAddress { id } }"
        }
        other => selection_of_the_stores(other),
    }
}

/// Returns the selection sets of the remaining mutations.
fn selection_of_the_stores(field: &str) -> &'static str {
    match field {
        "customerAnonymizationRequest" | "customerAnonymizationCancel" => {
            "customer { id anonymizationStatus }"
        }
        "customerAnonymize" => "receipt { erasedAt addresses orders storageItems sessions customFields }",
        "customerDelete" => "deletedCustomerId",
        "customerDataExport" => "storageItem { id name kind contentType byteSize url }",
        "orderRecord" | "orderCancel" => {
            "order { id number status email placedAt cancelledAt createdAt total { amount currencyCode } \
             lines { sku name quantity unitPrice { amount currencyCode } } \
             shippingAddress { salutation firstName lastName company address1 address2 address3 zipCode city region \
             iso2Code country phone } billingAddress { firstName address1 city iso2Code } \
             customer { id status orderCount version } }"
        }
        "customFieldDefine" | "customFieldUpdate" => {
            "definition { id key name description type isRequired options isPublic isCustomerWritable }"
        }
        "customFieldDelete" => "deletedCustomFieldId",
        "customerGroupCreate"
        | "customerGroupUpdate"
        | "customerGroupAddCustomers"
        | "customerGroupRemoveCustomers" => "customerGroup { id name createdAt }",
        "customerGroupDelete" => "deletedCustomerGroupId",
        "marketCreate" | "marketUpdate" => "market { id name isPrivate createdAt groups { nodes { id } } }",
        "marketDelete" => "deletedMarketId",
        "customerNoteCreate" => "customerNote { id text author { kind id name } createdAt }",
        "customerNoteDelete" => "deletedCustomerNoteId",
        other => panic!("what is {other} to be asked for?"),
    }
}

/// Returns the document of a mutation with one input.
pub(crate) fn mutation(field: &str) -> String {
    let mut kind = match field {
        "customerGroupAddCustomers" | "customerGroupRemoveCustomers" => "customerGroupMembers".to_owned(),
        _ => field.to_owned(),
    };
    if let Some(first) = kind.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!(
        "mutation ($input: {kind}Input!) {{ {field}(input: $input) {{ {} \
         userErrors {{ code message field legacyCode retryAfterSeconds }} }} }}",
        selection(field)
    )
}

impl Caller {
    /// Returns a caller without a credential.
    pub(crate) fn unauthenticated(gateway: &Arc<Gateway>) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            credential: None,
            elsewhere: None,
            headers: HeaderMap::new(),
        }
    }

    /// Returns the same caller with one more header.
    pub(crate) fn with_header(&self, name: &'static str, value: &str) -> Self {
        let mut caller = self.clone();
        caller
            .headers
            .append(name, value.parse().expect("a header's value"));
        caller
    }

    /// Returns the same caller with another credential.
    pub(crate) fn with(&self, credential: Option<&str>) -> Self {
        Self {
            credential: credential.map(str::to_owned),
            ..self.clone()
        }
    }

    /// Returns the same caller at a gateway in another process.
    pub(crate) fn at_url(&self, url: &str, http: &reqwest::Client) -> Self {
        Self {
            elsewhere: Some((url.to_owned(), http.clone())),
            ..self.clone()
        }
    }

    /// Returns the same caller at another node.
    pub(crate) fn at(&self, gateway: &Arc<Gateway>) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            ..self.clone()
        }
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        let request = match &self.elsewhere {
            Some((url, http)) => http.post(format!("{url}{path}")),
            None => self.gateway.http.post(format!("{}{path}", self.gateway.url)),
        };
        let request = request.headers(self.headers.clone());
        match &self.credential {
            Some(credential) => request.bearer_auth(credential),
            None => request,
        }
    }

    /// Sends a document.
    pub(crate) async fn send(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        let sent = self.post("/graphql").json(&body).send().await;
        Answer::of(sent.expect("an answer")).await
    }

    /// Sends a body verbatim.
    pub(crate) async fn send_body(
        &self,
        content_type: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self.post("/graphql").body(body);
        let request = match content_type {
            Some(content_type) => request.header(reqwest::header::CONTENT_TYPE, content_type),
            None => request,
        };
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Sends a GET request.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.gateway.http.get(format!("{}{path}", self.gateway.url));
        let request = request.headers(self.headers.clone());
        let request = match &self.credential {
            Some(credential) => request.bearer_auth(credential),
            None => request,
        };
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Sends a document that may get no response, because the gateway is killed concurrently.
    pub(crate) async fn try_send(&self, query: &str, variables: Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": variables });
        let sent = self.post("/graphql").json(&body).send().await.ok()?;
        sent.json().await.ok()
    }

    /// Returns the data of a query.
    pub(crate) async fn query(&self, query: &str) -> Value {
        self.send(query, json!({})).await.data()
    }

    /// Returns the payload of a mutation.
    pub(crate) async fn mutate(&self, field: &str, input: Value) -> Value {
        let answer = self.send(&mutation(field), json!({ "input": input })).await;
        answer.data()[field].take()
    }

    /// Returns the payload of a mutation that must succeed.
    pub(crate) async fn mutate_ok(&self, field: &str, input: Value) -> Value {
        let payload = self.mutate(field, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{field}");
        payload
    }

    /// Returns the user errors of a mutation: code, field and legacy code of each.
    pub(crate) async fn user_errors(&self, field: &str, input: Value) -> Vec<String> {
        faults(&self.mutate(field, input).await)
    }

    /// Sends a file as the GraphQL multipart request specification requires.
    pub(crate) async fn send_file(&self, upload: Upload<'_>) -> Answer {
        let sent = self.try_send_file(upload).await;
        sent.expect("an answer")
    }

    /// Sends a file and returns `None` if there is no response.
    pub(crate) async fn try_send_file(&self, upload: Upload<'_>) -> Option<Answer> {
        let Upload {
            file_name,
            bytes,
            mut input,
        } = upload;
        if input.is_null() {
            input = json!({});
        }
        input["file"] = Value::Null;
        let operations = json!({ "query": mutation("storageItemUpload"), "variables": { "input": input } });
        let form = Form::new()
            .text("operations", operations.to_string())
            .text("map", json!({ "0": ["variables.input.file"] }).to_string())
            .part("0", Part::bytes(bytes).file_name(file_name.to_owned()));
        let request = self.post("/graphql").header("GraphQL-Require-Preflight", "1");
        let sent = request.multipart(form).send().await.ok()?;
        Some(Answer::of(sent).await)
    }

    /// Returns the payload of an upload.
    pub(crate) async fn send_upload(&self, upload: Upload<'_>) -> Value {
        self.send_file(upload).await.data()["storageItemUpload"].take()
    }

    /// Uploads a file, which must succeed, and returns its item.
    pub(crate) async fn upload(&self, file_name: &str, bytes: &[u8]) -> Value {
        let upload = Upload {
            file_name,
            bytes: bytes.to_vec(),
            input: json!({}),
        };
        let mut payload = self.send_upload(upload).await;
        assert_eq!(payload["userErrors"], json!([]), "{file_name}");
        payload["storageItem"].take()
    }
}

/// Returns the user errors of a payload as `CODE field (legacy code)`.
pub(crate) fn faults(payload: &Value) -> Vec<String> {
    formatted(&payload["userErrors"])
}

/// Returns the warnings of a payload in the same form.
pub(crate) fn warnings(payload: &Value) -> Vec<String> {
    formatted(&payload["warnings"])
}

fn formatted(errors: &Value) -> Vec<String> {
    let errors = errors.as_array().expect("a list of user errors");
    errors
        .iter()
        .map(|error| {
            let path: Vec<&str> = error["field"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let mut formatted = error["code"].as_str().unwrap_or_default().to_owned();
            if !path.is_empty() {
                formatted = format!("{formatted} {}", path.join("."));
            }
            match error["legacyCode"].as_i64() {
                Some(code) => format!("{formatted} ({code})"),
                None => formatted,
            }
        })
        .collect()
}
