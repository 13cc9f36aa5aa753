//! What a domain declares about itself.

pub mod personal;
