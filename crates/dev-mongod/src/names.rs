//! The names that this crate shares with the gateway, which runs the server: settings, which messages name as remedies,
//! and names that existing data directories contain.

/// The setting for the connection string of another database.
pub(super) const URI: &str = "GATEWAY_MONGODB_URI";
/// The setting for [`Options::data_dir`](super::Options::data_dir).
pub(super) const DATA_DIR: &str = "GATEWAY_DATA_DIR";
/// The setting for [`Options::explicit`](super::Options::explicit).
pub(super) const MONGOD: &str = "GATEWAY_MONGOD";
/// The gateway's own name: that of its database user, of its client in the server's log, and of its cache directory.
pub(super) const GATEWAY: &str = "storefront-gateway";
/// The replica set, whose name is stored in the database files: changing it makes existing ones unusable.
pub(super) const REPLICA_SET: &str = "gateway";
/// Files of a gateway in its data directory: these names, and names that continue one of them with a dot.
pub(super) const FILES: &[&str] = &["lock", "mongod", "master.key", "gateway.url", "mail"];
