//! What a build that checks itself does besides (feature `checked`); in other builds all of it is nothing. Free frames are poisoned
//! (`tori::poison`).
//!
//! *Audit.* After every so many freed frames, when this core holds no lock, each entry of each space is compared with the record of its
//! frame ([`vm::space::Stray`]), and each lent frame with the lease. Frames that owed flushes cover are not freed: `vm` sees to that.

#[cfg(feature = "checked")]
pub use on::{find, keep_up};

#[cfg(not(feature = "checked"))]
pub use off::keep_up;

#[cfg(not(feature = "checked"))]
mod off {
    /// Nothing: the build does not check itself.
    #[inline]
    pub const fn keep_up() {}
}

#[cfg(feature = "checked")]
mod on {
    use crate::lease::holder;
    use alloc::sync::Arc;
    use mem::space::Space;
    use mem::spaces::Spaces;
    use tori::{Torus, poison};
    use vm::addr::Frame;
    use vm::space::Stray;

    /// Logs who leads to a frame that should be free.
    pub fn find(torus: &Torus, frame: Frame) {
        torus.part::<Spaces>().each(|space| {
            let seen = space.try_look(|vm| {
                vm.audit(
                    torus.memory(),
                    |_, _, _| true,
                    |stray| {
                        if let Stray::Frame { frame: other, .. } = stray
                            && other == frame
                        {
                            log::error!("checked: space {}: {stray}", space.number());
                        }
                    },
                );
            });
            if seen.is_none() {
                log::error!("checked: space {} is locked", space.number());
            }
            true
        });
    }

    /// Audits the spaces of this core's torus when it is time to. On a core that holds no lock.
    ///
    /// # Panics
    /// An entry leads where it must not.
    pub fn keep_up() {
        if poison::is_audit_due() {
            tori::here().part::<Spaces>().each(|space| {
                audit(space);
                true
            });
        }
    }

    fn audit(space: &Arc<Space>) {
        let torus = tori::here();
        space.look(|vm| {
            let frozen = space.is_frozen();
            vm.audit(
                torus.memory(),
                |object, index, frame| {
                    frozen
                        || holder::of(&object.0).is_some_and(|leased| leased.has_lent(index, frame))
                },
                |stray| panic!("checked: space {}: {stray}", space.number()),
            );
        });
    }
}
