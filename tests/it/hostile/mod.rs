//! Hostile clients, against the gateway's own program: what they send, hold and do not read hurts nobody else. A file a
//! requirement.

mod decoders;
mod measures;
