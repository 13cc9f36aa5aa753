//! Memory for requests without a valid credential that are under way: so much in all, and a part of it for one network,
//! so that no client takes the room of all others (DEF-01).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::Fault;

/// Bytes of all such requests together.
const MOST: usize = 64 * 1024 * 1024;

/// Bytes of those from one network.
const MOST_OF_ONE: usize = MOST / 4;

/// Bytes that a request takes without its body.
const HEAD: usize = 16 * 1024;

/// Bytes that each byte of a body takes: itself, the texts that are copied from it, the values made of those.
const COPIES: usize = 4;

/// The room of all such requests. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Rooms(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_network: HashMap<String, usize>,
}

/// The room of one request, until it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    rooms: Rooms,
    network: String,
    bytes: usize,
}

impl Rooms {
    /// Room for a request from a network.
    ///
    /// # Errors
    /// 503 when there is none.
    pub(super) fn enter(&self, network: String) -> Result<Room, Fault> {
        let mut room = Room {
            rooms: self.clone(),
            network,
            bytes: 0,
        };
        room.take(HEAD)?;
        Ok(room)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Takes room for a piece of the body.
    ///
    /// # Errors
    /// 503 when there is none left.
    pub(super) fn grow(&mut self, piece: usize) -> Result<(), Fault> {
        self.take(piece.saturating_mul(COPIES))
    }

    fn take(&mut self, bytes: usize) -> Result<(), Fault> {
        let mut taken = self.rooms.taken();
        let all = taken.all.saturating_add(bytes);
        let own = taken.by_network.get(&self.network).copied().unwrap_or_default();
        let own = own.saturating_add(bytes);
        if all > MOST || own > MOST_OF_ONE {
            return Err(Fault::unavailable(
                "Too many requests without a valid credential are under way; please try again shortly.",
            ));
        }
        taken.all = all;
        taken.by_network.insert(self.network.clone(), own);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut taken = self.rooms.taken();
        taken.all = taken.all.saturating_sub(self.bytes);
        let own = taken.by_network.get(&self.network).copied().unwrap_or_default();
        if own > self.bytes {
            taken.by_network.insert(self.network.clone(), own - self.bytes);
        } else {
            taken.by_network.remove(&self.network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-01
    #[test]
    fn no_network_takes_the_room_of_others_and_all_together_have_their_bound() {
        let rooms = Rooms::default();
        let fill = |network: &str| {
            let mut held = Vec::new();
            while let Ok(mut room) = rooms.enter(network.to_owned()) {
                let whole = room.grow(256 * 1024).is_ok();
                held.push(room);
                if !whole {
                    break;
                }
            }
            held
        };
        let held: Vec<Vec<Room>> = ["a", "b", "c"].into_iter().map(fill).collect();
        assert!(held.iter().all(|of_one| (10..20).contains(&of_one.len())));
        assert!(rooms.taken().all <= 3 * MOST_OF_ONE);
        rooms.enter("d".to_owned()).expect("others have room");
        let more: Vec<Vec<Room>> = ["d", "e"].into_iter().map(fill).collect();
        assert!(rooms.taken().all <= MOST);
        drop((held, more));
        let taken = rooms.taken();
        assert_eq!((taken.all, taken.by_network.len()), (0, 0));
    }
}
