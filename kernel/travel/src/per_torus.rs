//! What a torus has for migration.

use super::home::Home;
use super::lease;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicU32, Ordering};
use mem::space::Space;
use sync::Lock;
use tori::{Make, Parts};
use torus::{DepositId, DepositNames, TorusId};

/// Gives an empty map's last node back.
fn shrink<K, V>(map: &mut BTreeMap<K, V>) {
    if map.is_empty() {
        *map = BTreeMap::new();
    }
}

/// What a torus has for migration.
pub struct PerTorus {
    pub(crate) names: Lock<DepositNames>,
    /// Pages that stayed here.
    pub(crate) deposits: Lock<BTreeMap<DepositId, Arc<Home>>>,
    /// The spaces here that have claims to deposits.
    pub(crate) claims: Lock<BTreeMap<DepositId, Weak<Space>>>,
    /// The deposit that was drained last, of a process that has come from another torus.
    pub(crate) drained: Lock<Option<DepositId>>,
    /// Shared memory, here and elsewhere.
    leases: lease::Leases,
    /// While nobody is taken in: how often it has been looked whether the torus is empty; else 0.
    draining: AtomicU32,
}

tori::part!(PerTorus, 14);

impl Make for PerTorus {
    fn new(torus: TorusId, _tori: usize) -> Self {
        Self::of(torus)
    }

    fn enter(&'static self, parts: &mut Parts) {
        parts.set(self);
        parts.set(&self.leases);
    }
}

impl PerTorus {
    /// Of a torus that nobody has left.
    const fn of(torus: TorusId) -> Self {
        Self {
            names: Lock::new(DepositNames::new(torus)),
            deposits: Lock::new(BTreeMap::new()),
            claims: Lock::new(BTreeMap::new()),
            drained: Lock::new(None),
            leases: lease::Leases::new(),
            draining: AtomicU32::new(0),
        }
    }

    /// Gives back what is only kept for later.
    pub fn shrink(&self) {
        shrink(&mut self.deposits.lock());
        shrink(&mut self.claims.lock());
        self.leases.shrink();
    }

    /// What stayed here under a name.
    pub(crate) fn deposit(&self, id: DepositId) -> Option<Arc<Home>> {
        self.deposits.lock().get(&id).cloned()
    }

    /// The space that has a claim.
    pub(crate) fn claimant(&self, id: DepositId) -> Option<Arc<Space>> {
        let claimant = self.claims.lock().get(&id).cloned();
        claimant?.upgrade()
    }

    /// A space with claims, to go on pulling for; they take turns.
    pub(crate) fn any_claimant(&self, after: Option<DepositId>) -> Option<(DepositId, Arc<Space>)> {
        use core::ops::Bound::{Excluded, Unbounded};
        let claims = self.claims.lock();
        let from = after.map_or(Unbounded, Excluded);
        let later = claims.range((from, Unbounded));
        // One that is about to end is passed over.
        let living = |(id, space): (&DepositId, &Weak<Space>)| Some((*id, space.upgrade()?));
        later.chain(claims.iter()).find_map(living)
    }

    /// Whether processes are refused.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed) > 0
    }

    /// From now on processes are refused, or taken in again.
    pub fn set_draining(&self, draining: bool) {
        self.draining.store(draining.into(), Ordering::Relaxed);
    }

    /// Counts a look at the processes that are still here.
    pub fn count_look(&self) -> u32 {
        self.draining.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether spaces here have pages elsewhere.
    pub fn has_claims(&self) -> bool {
        !self.claims.lock().is_empty()
    }
}

/// This core's torus's.
pub(crate) fn own() -> &'static PerTorus {
    tori::here().part::<PerTorus>()
}

/// Whether no page of a process that is elsewhere is here, and no memory object of another torus.
pub fn is_quiet() -> bool {
    own().deposits.lock().is_empty() && lease::is_quiet()
}

/// Whether this torus refuses processes.
pub fn is_draining() -> bool {
    own().is_draining()
}
