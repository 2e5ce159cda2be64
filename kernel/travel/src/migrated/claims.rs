//! The claims of a torus's spaces, by which it finds the space that an answer is for.

use crate::per_torus::own;
use alloc::sync::{Arc, Weak};
use fallible::{NoMemory, TryMap};
use mem::space::Space;
use torus::migrate::Claim;

/// Makes room to note that a space has these claims; whoever does not go on has them [unregistered](unregister).
pub fn announce(claims: &[Claim]) -> Result<(), NoMemory> {
    let mut known = own().claims.lock();
    for (index, claim) in claims.iter().enumerate() {
        if known.put(claim.deposit, Weak::new()).is_err() {
            drop(known);
            unregister(&claims[..index]);
            return Err(NoMemory);
        }
    }
    Ok(())
}

/// Notes that a space has these claims, which were [announced](announce).
pub fn register(space: &Arc<Space>, claims: &[Claim]) {
    let mut known = own().claims.lock();
    for claim in claims {
        if let Some(noted) = known.get_mut(&claim.deposit) {
            *noted = Arc::downgrade(space);
        }
    }
}

/// Notes that these claims are another torus's now.
pub fn unregister(claims: &[Claim]) {
    let mut known = own().claims.lock();
    for claim in claims {
        known.remove(&claim.deposit);
    }
}
