//! Customers that another party vouches for, such as an identity provider. The party writes its own documents in the
//! transaction that signs the customer in.

use futures_util::future::BoxFuture;

use super::Customer;
use crate::error::Result;
use crate::platform::{database::Tx, id::IdentityId};
use crate::reach::HouseReach;

/// A party that vouches for a customer, and the documents that it writes with the session.
pub trait Voucher: Send + Sync {
    /// Writes its documents within the transaction, which may run more than once.
    fn write<'t>(
        &'t self,
        reach: &'t HouseReach,
        tx: &'t mut Tx,
        customer: &'t Customer,
    ) -> BoxFuture<'t, Result<()>>;

    /// The identity with which this sign-in is the first proof of the account's address, which ends every other earlier
    /// way to sign in (CST-06); `None` if it is no such proof.
    fn first_proof(&self) -> Option<&IdentityId>;
}
