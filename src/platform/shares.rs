//! A bounded quantity that clients share, with a limit on the total and a limit per client.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what is taken. Clients that hold nothing are not stored, so that the memory used is bounded by `all`.
#[derive(Debug)]
pub struct Shares<K> {
    all: usize,
    each: usize,
    taken: Mutex<TakenShare<K>>,
}

#[derive(Debug)]
struct TakenShare<K> {
    all: usize,
    by: HashMap<K, usize>,
}

/// The limit that is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The total limit.
    All,
    /// The limit of this client.
    Each,
}

/// A quantity that a client has taken; returned when it is dropped.
#[derive(Debug)]
pub struct Share<K: Clone + Eq + Hash> {
    shares: Arc<Shares<K>>,
    /// `None` counts against the total limit only.
    key: Option<K>,
    amount: usize,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// Creates shares with a total limit and a limit per client.
    #[must_use]
    pub fn new(all: usize, each: usize) -> Arc<Self> {
        let by = HashMap::new();
        let taken = Mutex::new(TakenShare { all: 0, by });
        Arc::new(Self { all, each, taken })
    }

    /// Takes `amount` for a client; without a key it counts against the total limit only.
    ///
    /// # Errors
    /// The limit that is exceeded.
    pub fn take(self: &Arc<Self>, key: Option<K>, amount: usize) -> Result<Share<K>, Full> {
        self.add(key.as_ref(), amount)?;
        Ok(Share {
            shares: Arc::clone(self),
            key,
            amount,
        })
    }

    fn add(&self, key: Option<&K>, amount: usize) -> Result<(), Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = key {
            let own = taken.by.get(key).copied().unwrap_or_default();
            if own.saturating_add(amount) > self.each {
                return Err(Full::Each);
            }
        }
        if taken.all.saturating_add(amount) > self.all {
            return Err(Full::All);
        }
        taken.all += amount;
        if let Some(key) = key {
            *taken.by.entry(key.clone()).or_default() += amount;
        }
        Ok(())
    }

    fn release(&self, key: Option<&K>, amount: usize) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(amount);
        let Some(key) = key else { return };
        if let Some(own) = taken.by.get_mut(key) {
            *own = own.saturating_sub(amount);
            if *own == 0 {
                taken.by.remove(key);
            }
        }
    }
}

impl<K: Clone + Eq + Hash> Share<K> {
    /// Takes more, until `amount` is held; has no effect if at least that much is held already.
    ///
    /// # Errors
    /// The limit that is exceeded; the amount held is unchanged.
    pub fn grow_to(&mut self, amount: usize) -> Result<(), Full> {
        if amount > self.amount {
            self.shares.add(self.key.as_ref(), amount - self.amount)?;
            self.amount = amount;
        }
        Ok(())
    }
}

impl<K: Clone + Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        self.shares.release(self.key.as_ref(), self.amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-02, DEF-04
    #[test]
    fn one_client_cannot_take_all() {
        let shares = Shares::new(5, 3);
        let mut first = shares.take(Some("a"), 2).expect("room");
        assert_eq!(first.grow_to(4), Err(Full::Each));
        assert_eq!(first.grow_to(3), Ok(()));
        assert_eq!(shares.take(Some("a"), 1).expect_err("full"), Full::Each);
        let second = shares.take(Some("b"), 2).expect("room");
        assert_eq!(shares.take(Some("c"), 1).expect_err("full"), Full::All);
        drop(first);
        assert!(shares.take(None, 3).is_ok());
        assert!(shares.take(Some("a"), usize::MAX).is_err());
        drop(second);
        let taken = shares.taken.lock().expect("a lock");
        assert!(taken.by.is_empty(), "clients without a share are not stored");
    }
}
