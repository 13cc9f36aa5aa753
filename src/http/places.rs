//! Places for connections, limited in total and for each address, and by the number of file descriptors of the process.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use std::time::Duration;

use tokio::time::sleep;

use super::connection::ClientConnection;
use crate::config::ConnectionLimits;
use crate::platform::descriptors;
use crate::platform::shares::{Full, Share, Shares};

/// Interval of checks whether an idle connection has been closed.
const TURN: Duration = Duration::from_millis(10);
/// Number of these checks: five seconds in total.
const MAKING_ROOM_TURNS: u32 = 500;
/// Number of checks after which another connection is asked to close.
const ASK_AGAIN: u32 = 20;

/// All places, and the connections that occupy them.
pub(super) struct ConnectionSlots {
    shares: Arc<Shares<IpAddr>>,
    /// Whether there are fewer places than the operator allows, because the process has too few descriptors.
    are_few: bool,
    next: AtomicU64,
    taken: Mutex<HashMap<u64, OccupiedSlots>>,
    is_stopping: AtomicBool,
}

struct OccupiedSlots {
    address: Option<IpAddr>,
    connection: Arc<ClientConnection>,
    /// Whether the connection was asked to close.
    is_asked: bool,
}

/// The place of one connection, released when it is dropped.
pub(super) struct ConnectionSlot {
    places: Arc<ConnectionSlots>,
    number: u64,
    /// The address that the place is counted for.
    pub(super) address: Option<IpAddr>,
    pub(super) connection: Arc<ClientConnection>,
    _share: Share<IpAddr>,
}

impl ConnectionSlots {
    /// Creates the places within the operator's limits and the available descriptors.
    pub(super) fn new(limits: &ConnectionLimits) -> Arc<Self> {
        let (descriptors, room) = descriptors::room();
        let are_few = room < limits.all;
        let (all, per_address) = if are_few {
            tracing::warn!(
                descriptors,
                connections = room,
                "the limit of open files allows only {room} connections, fewer than GATEWAY_MAX_CONNECTIONS; further \
                 connections replace idle ones. Raise the limit (ulimit -n, LimitNOFILE)"
            );
            // A quarter of the places remains for other addresses.
            (room, limits.per_address.min((room * 3 / 4).max(1)))
        } else {
            (limits.all, limits.per_address)
        };
        Arc::new(Self {
            shares: Shares::new(all, per_address),
            are_few,
            next: AtomicU64::new(0),
            taken: Mutex::default(),
            is_stopping: AtomicBool::new(false),
        })
    }

    /// Takes a place. Without an address, as for trusted proxies, only the total limit applies.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn take(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        connection: &Arc<ClientConnection>,
    ) -> Result<ConnectionSlot, Full> {
        let share = self.shares.take(address, 1)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let taken = OccupiedSlots {
            address,
            connection: Arc::clone(connection),
            is_asked: false,
        };
        let mut all = self.taken();
        all.insert(number, taken);
        if self.is_stopping.load(Ordering::Relaxed) {
            connection.ask_to_stop();
        }
        drop(all);
        Ok(ConnectionSlot {
            places: Arc::clone(self),
            number,
            address,
            connection: Arc::clone(connection),
            _share: share,
        })
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, HashMap<u64, OccupiedSlots>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// If places are few, asks the connection that has been idle for the longest time to close, preferring those of
    /// this address. Returns whether there was one.
    pub(super) fn make_room(&self, address: Option<IpAddr>) -> bool {
        if !self.are_few {
            return false;
        }
        let mut taken = self.taken();
        let idle = taken.values_mut().filter(|taken| !taken.is_asked);
        let longest = idle
            .filter_map(|taken| Some((taken.connection.idle_for()?, taken)))
            .max_by_key(|(idle, taken)| (taken.address == address, *idle));
        let Some((_, taken)) = longest else {
            return false;
        };
        taken.is_asked = true;
        taken.connection.ask_to_make_room();
        true
    }

    /// Waits for a place that is being released.
    pub(super) async fn wait(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        connection: &Arc<ClientConnection>,
    ) -> Option<ConnectionSlot> {
        for turn in 1..=MAKING_ROOM_TURNS {
            if let Ok(place) = self.take(address, connection) {
                return Some(place);
            }
            // Another connection may have taken the released place: another one is released.
            if turn % ASK_AGAIN == 0 {
                self.make_room(address);
            }
            sleep(TURN).await;
        }
        None
    }

    /// Asks all connections to end.
    pub(super) fn stop_all(&self) {
        let all = self.taken();
        self.is_stopping.store(true, Ordering::Relaxed);
        for taken in all.values() {
            taken.connection.ask_to_stop();
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.places.taken().remove(&self.number);
    }
}
