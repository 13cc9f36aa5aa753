//! The gateway from outside.

mod commands;
mod mongod;
