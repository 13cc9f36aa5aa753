//! The benchmark's environment: the database server, the organization, and a gateway within this process whose database
//! commands are counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bson::{Document, doc};
use dev_mongod::{Managed, Options};
use mongodb::event::command::CommandEvent;
use serde_json::{Value, json};
use storefront_gateway::app::{App, AppParts};
use storefront_gateway::auth::client::{ClientKind, NewClient};
use storefront_gateway::config::Config;
use storefront_gateway::platform::clock::Clock;
use storefront_gateway::platform::database::{Database, Monitor};
use storefront_gateway::platform::id::OrganizationId;
use storefront_gateway::platform::progress::Progress;
use storefront_gateway::platform::random::Random;
use storefront_gateway::platform::secret::MasterKey;
use storefront_gateway::reach::HouseReach;
use storefront_gateway::reach::scope::Scope;
use storefront_gateway::serve;
use storefront_gateway::serve::RunningGateway;
use storefront_gateway::storefront::{IntegrationType, store as storefronts};
use tokio::net::TcpListener;

use crate::child_process::Used;

/// The environment that the measurements share.
pub struct Environment {
    folder: tempfile::TempDir,
    server: Managed,
    /// The gateway within this process.
    pub gateway: RunningGateway,
    /// Commands that the gateway has sent to the database, including commits and aborts of transactions.
    pub commands: Arc<AtomicU64>,
    /// The backend's secret.
    pub secret: String,
    /// The organization.
    pub organization: OrganizationId,
    /// The storefront.
    pub storefront: String,
    client: reqwest::Client,
    driver: mongodb::Database,
}

/// The database that all processes of the benchmark share.
pub const DATABASE: &str = "bench";

/// Returns the settings of every gateway of the benchmark.
pub fn config() -> Config {
    let vars = [
        ("GATEWAY_RATE_LIMITS", "off"),
        ("GATEWAY_JOBS", "off"),
        ("GATEWAY_GRAPHIQL", "off"),
    ];
    Config::from_vars(vars.map(|(name, value)| (name.to_owned(), value.to_owned()))).expect("good settings")
}

/// Starts a gateway on a free port and waits until it is ready.
pub async fn gateway(uri: &str, monitor: Option<Monitor>) -> RunningGateway {
    let database = Database::connect(uri, DATABASE, monitor)
        .await
        .expect("a good address");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let parts = AppParts {
        domains: storefront_gateway::schema::DOMAINS,
        config: config(),
        public_url: format!("http://{address}"),
        database,
        clock: Clock::system(),
        random: Random::system(),
        master_key: MasterKey::from_bytes([7; 32]),
    };
    let app = App::new(parts).expect("good parts");
    let running = serve::start(app, listener, address, None);
    running.wait_until_ready().await;
    running
}

impl Environment {
    /// Starts the database server and a gateway, and creates an organization with a storefront and a backend client.
    pub async fn build() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Managed::start(&Options::new(folder.path()), &Progress::detect())
            .await
            .expect("a server");
        let commands = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&commands);
        let monitor = Monitor::new(move |event| {
            if let CommandEvent::Started(started) = event
                && (started.db == DATABASE || started.db == "admin")
                && !matches!(started.command_name.as_str(), "hello" | "ping" | "endSessions")
            {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let gateway = gateway(server.uri().expose(), Some(monitor)).await;
        let app = &gateway.app;
        let organization = app.access.organizations.create("Bench").await.expect("made").id;
        let new = storefronts::NewStorefront {
            organization: organization.clone(),
            name: "Bench".to_owned(),
            code: "BENCH".to_owned(),
            integration_type: IntegrationType::Custom,
            account_url: None,
            conceal_emails: false,
        };
        let system = HouseReach::everywhere();
        let made = storefronts::create(&app.database, &system, &app.clock, &app.random, new).await;
        let storefront = made.expect("made").expect("free").id.to_string();
        let client = NewClient {
            organization: organization.clone(),
            kind: ClientKind::Integration,
            name: "bench".to_owned(),
            storefronts: None,
            scopes: Scope::ALL.to_vec(),
        };
        let (_, secret) = app.access.clients.create(client).await.expect("made");
        let driver = mongodb::Client::with_uri_str(server.uri().expose()).await;
        Self {
            driver: driver.expect("a client").database(DATABASE),
            folder,
            server,
            commands,
            organization,
            secret: secret.expose().to_owned(),
            storefront,
            gateway,
            client: reqwest::Client::new(),
        }
    }

    /// Returns the URI of the database server.
    pub fn uri(&self) -> &str {
        self.server.uri().expose()
    }

    /// The database, reached directly, to insert test data.
    pub fn driver(&self) -> mongodb::Database {
        self.driver.clone()
    }

    /// Returns what the database server has used so far.
    pub async fn database_used(&self) -> Used {
        let status = self.driver().run_command(doc! { "serverStatus": 1 }).await;
        let process = status.expect("a status").get_i64("pid");
        Used::of(u32::try_from(process.expect("its process")).expect("a process id"))
    }

    /// Sends JSON as the backend.
    pub async fn post(&self, url: &str, body: &Value) -> reqwest::Response {
        let request = self.client.post(url).bearer_auth(&self.secret).json(body);
        request.send().await.expect("an answer")
    }

    /// Sends a query to a gateway as the backend and returns its data.
    pub async fn query(&self, url: &str, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let asked = self.post(&format!("{url}/graphql"), &body).await;
        let answer: Value = asked.json().await.expect("JSON");
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }

    /// Registers a user and returns its global id.
    pub async fn user(&self, external_id: &str, is_anonymous: bool) -> String {
        let query = "mutation($input: StorefrontUserRegisterInput!) {
            storefrontUserRegister(input: $input) { storefrontUser { id } userErrors { code } } }";
        let input = json!({ "input": { "storefrontUserId": external_id, "isAnonymous": is_anonymous } });
        let data = self.query(&self.gateway.app.public_url, query, input).await;
        data["storefrontUserRegister"]["storefrontUser"]["id"]
            .as_str()
            .expect("registered")
            .to_owned()
    }

    /// Registers a customer and returns its global id.
    pub async fn customer(&self, email: &str, password: Option<&str>) -> String {
        let query = "mutation($input: CustomerRegisterInput!) {
            customerRegister(input: $input) { customer { id } userErrors { code } } }";
        let input = json!({ "input": {
            "email": email, "password": password, "confirmPassword": password, "acceptedTerms": true,
            "firstName": "Ada", "lastName": "Lovelace",
        } });
        let data = self.query(&self.gateway.app.public_url, query, input).await;
        data["customerRegister"]["customer"]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{data}"))
            .to_owned()
    }

    /// Inserts items into a user's storage, directly in the database, because their content is not measured.
    pub async fn insert_items(&self, user: &str, count: usize) {
        let database = self.driver();
        let storages = database.collection::<Document>("privateStorages");
        let storage = storages
            .find_one(doc! { "ownerId": user })
            .await
            .expect("found")
            .expect("a storage");
        let storage = storage.get_str("_id").expect("an id").to_owned();
        let app = &self.gateway.app;
        let now = bson::DateTime::from_millis(app.clock.now().millis());
        let item = |number: usize| {
            let id = storefront_gateway::platform::id::StorageItemId::fresh(app.clock.now(), &app.random);
            doc! {
                "_id": id.to_string(), "storefrontId": &self.storefront, "storageId": &storage,
                "name": format!("item {number}"), "folder": "", "kind": "OTHER", "contentType": "application/json",
                "byteSize": 10_i64, "sha256": "0".repeat(64), "blobId": bson::oid::ObjectId::new(),
                "createdAt": now, "updatedAt": now,
            }
        };
        let items = database.collection::<Document>("storageItems");
        for start in (0..count).step_by(5000) {
            let batch: Vec<Document> = (start..count.min(start + 5000)).map(item).collect();
            items.insert_many(batch).await.expect("inserted");
        }
        let size = i64::try_from(count).expect("small");
        let update = doc! { "$inc": { "itemCount": size, "totalBytes": 10 * size } };
        storages
            .update_one(doc! { "_id": storage }, update)
            .await
            .expect("counted");
    }

    /// Runs `work` and returns its result with the number of commands it sent to the database.
    pub async fn counted<T>(&self, work: impl Future<Output = T>) -> (T, u64) {
        let before = self.commands.load(Ordering::SeqCst);
        let done = work.await;
        (done, self.commands.load(Ordering::SeqCst) - before)
    }

    /// Stops the gateway and the database server.
    pub async fn close(self) {
        self.gateway.stop().await;
        self.server.stop().await;
        drop(self.folder);
    }
}
