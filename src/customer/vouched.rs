//! Customers for whom somebody else vouches: whoever does notes it in the transaction that signs them in.

use futures_util::future::BoxFuture;

use super::Customer;
use super::registration::NewCustomer;
use crate::access::reach::Reach;
use crate::error::Result;
use crate::platform::{database::Tx, id::IdentityId};

/// What is written beside a session because somebody vouches for the customer.
pub trait Voucher: Send + Sync {
    /// Writes it within the transaction, which may run more than once.
    fn write<'t>(
        &'t self,
        reach: &'t Reach,
        tx: &'t mut Tx,
        customer: &'t Customer,
    ) -> BoxFuture<'t, Result<()>>;

    /// The identity by which this sign-in is the first proof that the account's address is its holder's, so that all that was
    /// prepared before ends, but for this identity (CST-06). `None`: it is no such proof.
    fn first_proof(&self) -> Option<&IdentityId>;
}

/// Somebody new for whom somebody vouches.
pub struct Newcomer<'a> {
    /// Who.
    pub new: NewCustomer,
    /// By what.
    pub voucher: &'a dyn Voucher,
    /// The token of who they were until now.
    pub anonymous_token: Option<&'a str>,
}
