//! The end of one session.

use crate::app::App;
use crate::audit::{Action, AuditActor, AuditEntry};
use crate::auth::session::Session;
use crate::error::Result;
use crate::platform::database::{Tx, Write};

/// The write that ends one session.
pub struct SessionEnd<'a> {
    /// The app.
    pub app: &'a App,
    /// The session.
    pub session: &'a Session,
    /// Who ends it, for the audit trail.
    pub actor: AuditActor,
    /// Why it ends, for the audit trail.
    pub action: Action,
}

impl SessionEnd<'_> {
    /// Ends the session: on this node at once, on other nodes within five seconds (TOK-02).
    ///
    /// # Errors
    /// Any database error.
    pub async fn run(&self) -> Result<()> {
        self.app.database.run(self).await?;
        let ended = std::slice::from_ref(&self.session.id);
        self.app.access.forget_sessions(ended).await;
        Ok(())
    }
}

impl Write for SessionEnd<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self {
            app,
            session,
            actor,
            action,
        } = self;
        // Of two concurrent calls, one ends it.
        if app.access.sessions.end_in(tx, &session.id).await? {
            let entry = AuditEntry::new(&session.storefront_id, &session.customer_id, *action);
            app.audit.note_in(tx, actor, [entry.on(&session.id)]).await?;
        }
        Ok(())
    }
}
