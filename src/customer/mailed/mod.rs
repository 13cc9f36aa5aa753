//! Operations with mailed keys: choosing a new password, verifying the address and changing it. A request for a key
//! costs the same and has the same response whether or not the customer exists.

pub mod change_confirm;
pub mod change_request;
pub mod confirmation;
pub mod keys;
pub mod request;
pub mod reset;
pub mod reset_request;
pub mod verification_request;
pub mod verify;
