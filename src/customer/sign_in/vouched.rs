//! Sign-in of a customer for whom another party vouches, such as an identity provider.

use super::{SignIn, SignedIn};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::customer::{Customer, credentials::Beginner, vouched::Voucher};
use crate::error::Result;
use crate::reach::HouseReach;

/// The sign-in of a customer for whom a [`Voucher`] vouches; the voucher writes its own documents with the session.
pub struct VouchedSignIn<'a> {
    /// The app.
    pub app: &'a App,
    /// The customer.
    pub customer: &'a Customer,
    /// The party that vouches.
    pub voucher: &'a dyn Voucher,
    /// The token of the anonymous user to merge.
    pub anonymous_token: Option<&'a str>,
    /// The client and the device that start the session.
    pub beginner: &'a Beginner<'a>,
}

impl VouchedSignIn<'_> {
    /// Begins a session of the customer.
    ///
    /// # Errors
    /// CREDENTIALS_INVALID if all sessions were ended meanwhile; the errors of the voucher; any other unchanged.
    pub async fn run(self) -> Result<SignedIn> {
        let Self {
            app,
            customer,
            voucher,
            anonymous_token,
            beginner,
        } = self;
        let sign_in = SignIn {
            app,
            reach: &HouseReach::within(&customer.storefront_id),
            customer,
            actor: AuditActor::customer(&customer.id),
            action: Action::SignedIn,
            new_hash: None,
            voucher: Some(voucher),
            anonymous_token,
            beginner,
        };
        sign_in.run().await
    }
}
