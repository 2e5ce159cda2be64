//! Open files: what descriptors name, shared by `dup` and `fork`.

use super::boot;
use super::claims::Claim;
use super::facts;
use super::flags::Flags;
use super::kind::{File, Origin};
use crate::file::context::has_few;
use crate::process::charge::{self, Charge, Kind};
use crate::process::payer;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::archive::NodeId;
use braid_files::locks::Owner;
use core::ops::Deref;
use core::sync::atomic::{AtomicU32, Ordering};
use sync::Lock;

/// An open file ("open file description", open(2)), with what is behind it.
pub struct Opened<F: File + ?Sized> {
    flags: AtomicU32,
    /// What it is there for; only held.
    _claim: Claim,
    /// It is counted; only held.
    _charge: Charge,
    /// It is on this torus, whatever becomes of it.
    is_here: bool,
    /// The position of the next read or write.
    pub offset: Lock<u64>,
    /// What is behind it.
    file: F,
}

/// An open file of whichever kind: it can do what is behind it can.
pub type OpenFile = Opened<dyn File>;

impl<F: File + ?Sized> Opened<F> {
    /// The owner of locks that it is: an address, which no process number is.
    pub fn owner(&self) -> Owner {
        Owner(core::ptr::from_ref(self).addr() as u64)
    }
}

impl<F: File + ?Sized> Deref for Opened<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.file
    }
}

impl<F: File + ?Sized> Drop for Opened<F> {
    fn drop(&mut self) {
        if let Some(content) = self.file.content() {
            content.locks.release(self.owner());
        }
    }
}

/// How many times as many user 0 may have, as there are for others: what fits into an eighth of the memory.
const PRIVILEGED: u64 = 5;

impl OpenFile {
    /// Open, at its start. ENFILE, and ENOMEM without memory. No lock of the current process's files is held.
    pub fn open(file: impl File, flags: Flags, claim: Claim) -> Result<Arc<Self>, Errno> {
        let weight = file.weight();
        let mut charge = Charge::none(Kind::File);
        charge.set(weight);
        Self::admit(weight - 1)?;
        Ok(fallible::arc(Opened {
            flags: AtomicU32::new(flags.bits()),
            _claim: claim,
            _charge: charge,
            is_here: matches!(file.origin(), Origin::Here),
            offset: Lock::new(0),
            file,
        })?)
    }

    /// Whether there are not too many of them, one with so much beside itself included. ENFILE; one that has nothing is not
    /// refused to a process with few descriptors, and user 0 may have more of these.
    pub fn admit(beside: u64) -> Result<(), Errno> {
        let payer = payer::payer();
        let is_plain = beside == 0;
        let times = if payer.privileged && is_plain {
            PRIVILEGED
        } else {
            1
        };
        let most = times * Kind::File.most(tori::here().usable());
        let fits = charge::used(Kind::File) <= most;
        if fits || is_plain && has_few(payer) {
            Ok(())
        } else {
            Err(Errno::ENFILE)
        }
    }

    /// The same without a claim.
    pub fn new(file: impl File, flags: Flags) -> Result<Arc<Self>, Errno> {
        Self::open(file, flags, Claim::None)
    }

    /// How it was opened, and what fcntl changed.
    pub fn flags(&self) -> Flags {
        Flags::from_bits_retain(self.flags.load(Ordering::Relaxed))
    }

    /// Changes the flags that can be changed.
    pub fn set_flags(&self, flags: Flags) {
        let kept = self.flags() - Flags::CHANGEABLE;
        self.flags
            .store((kept | flags & Flags::CHANGEABLE).bits(), Ordering::Relaxed);
    }

    /// The file of the boot archive that it was when it was opened, if it has other bytes by now that only torus 0 has.
    pub fn changed_elsewhere(&self) -> Option<NodeId> {
        self.archive().filter(|&id| has_changed_elsewhere(id))
    }

    /// No seal is added to the file while this is held, as while a mapping is made that may write to it. EPERM when one forbids that already.
    pub fn unsealed(&self) -> Result<Option<impl Sized + '_>, Stop> {
        self.content().map(|content| content.unsealed()).transpose()
    }

    /// Where it is; of what is here nobody is asked.
    #[inline]
    pub fn whereabouts(&self) -> Origin<'_> {
        if self.is_here {
            Origin::Here
        } else {
            self.origin()
        }
    }

    /// An owner has no more to do with it.
    pub fn release_locks(&self, owner: Owner) {
        if let Some(content) = self.content() {
            content.locks.release(owner);
        }
    }

    /// Whether a read or write waits for what it cannot do at once.
    pub fn waits(&self) -> bool {
        !self.flags().contains(Flags::NONBLOCK)
    }
}

/// Whether a file of the boot archive has other bytes by now that only torus 0 has.
pub fn has_changed_elsewhere(id: NodeId) -> bool {
    !facts::is_main() && boot::is_written(id)
}
