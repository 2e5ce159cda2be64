//! Messages between tori: the ends of the rings that each torus holds, and when it looks at them.
//!
//! *Roles.* A torus has a [`Door`], which the others knock at, an [`Exit`] to every torus and an [`Inlet`] from every
//! torus, itself among them: a message to a process need not ask first where the process is.
//!
//! *Flow.* [`send`] writes into the receiver's memory and interrupts one of its cores when its bell is armed. The
//! handler only [notes](on_doorbell) that; on the way out of a trap, or in the idle loop, [`serve`] delivers what there is,
//! outside of any lock that others wait for, then arms the bell and looks once more. So the bell is always armed but
//! while somebody serves, and a core that idles or runs a program has nothing to do for it.
//!
//! Lines that are sent while a batch is delivered go out together after it: the receiver is interrupted once for many answers.
//!
//! Senders in bulk leave a part of the ring to others ([`room`], [`wait_for_room`]). What a full ring does not take
//! waits in the exit's outbox; the receiver rings back when it has made room. An outbox allocates nothing to send: its places are
//! set aside at boot, and with each thing whose end or change is told ([`Places`]); `torus::outbox` has the account, kernel/README.md
//! says for each message who has set its place aside. While too many lines wait no program of the torus goes on ([`is_choked`]).

mod ends;
mod places;
pub mod probe;
mod setup;

pub use ends::{Door, Exit, Rings};
pub use places::{
    Places, bounds, breathe, deadline, is_choked, look_later, release, reserve, try_again,
};
pub use setup::connect;

use self::places::RUNG;
use core::sync::atomic::{Ordering, fence};
use machine::cpu;
use sync::Woken;
use torus::TorusId;
use torus::message::Protocol;

/// Lines of a ring: 32 KiB.
pub const LINES: usize = 512;
/// Lines that bulk senders leave to others.
const RESERVE: usize = 128;

/// Messages that a core delivers before it looks at its programs.
const BUDGET: usize = 1024;

/// Sends a message. It never fails and never waits; messages to one torus arrive in the order they were sent in.
/// An operation that may post more than [`places::OPERATION`] brings [`Places`] of its own, or [breathes](breathe) in between; whoever
/// sends in bulk asks [`room`] first.
#[inline]
pub fn send(to: TorusId, message: impl Protocol) {
    own().send(to, message.encode());
}

/// Does `act`, and sends what it sends all at once, so that who gets many messages is interrupted for the first only.
pub fn together<R>(act: impl FnOnce() -> R) -> R {
    let gathers = &crate::own().gathers;
    if gathers.replace(true) {
        return act();
    }
    let result = act();
    gathers.set(false);
    own().flush();
    result
}

/// Messages that a bulk sender may send to `to` now.
pub fn room(to: TorusId) -> usize {
    own().exit(to).map_or(0, |exit| exit.lock().room())
}

/// Enrols the current thread to be woken when there is [`room`] again; false: there is by now.
pub fn wait_for_room(to: TorusId) -> bool {
    own().exit(to).is_some_and(|exit| exit.lock().enrol())
}

/// The doorbell's interrupt: the next way out of a trap serves.
pub fn on_doorbell() {
    own().signs.set(RUNG);
}

/// Whether the bell was rung, and nobody has served yet.
#[inline]
pub fn is_rung() -> bool {
    own().signs.get() & RUNG != 0
}

/// Whether a core is to look here before its program goes on.
#[inline]
pub fn calls() -> bool {
    own().signs.get() != 0
}

/// Whether this core delivers what has come from other tori: it does not work for its current thread then.
pub fn delivers() -> bool {
    crate::own().delivers.get()
}

/// Delivers what has come, if the bell was rung; answers whether it was. No lock may be held.
#[inline]
pub fn serve() -> bool {
    let rung = is_rung();
    if rung {
        own().serve();
    }
    rung
}

/// This core has nothing to do: it is the one to interrupt, unless another is already idle. `idles` tells of cores by their number
/// within the torus.
pub fn rest(idles: impl Fn(usize) -> bool) {
    let rings = own();
    if !idles(rings.ear.load(Ordering::Relaxed)) {
        rings.listen(cpu::this());
    }
}

/// Forgets who waits for room or probes, and gives memory back that no message needs: there are no processes any more.
pub fn let_go() {
    let rings = own();
    rings.arrivals.wake_all();
    for exit in rings.exits {
        let waiting = exit.lock().forget();
        waiting.wake();
    }
    rings.pool.lock().shrink();
}

#[inline]
fn own() -> &'static Rings {
    crate::here().part()
}

impl Rings {
    #[cold]
    fn serve(&self) {
        // One core serves at a time. A core that finds another one serving returns: the other looks at the sign once more after
        // it has unlocked the inlets.
        while self.signs.get() & RUNG != 0 {
            let Some(mut inlets) = self.inlets.try_lock() else {
                return;
            };
            self.signs.clear(RUNG);
            let delivers = &crate::own().delivers;
            delivers.set(true);
            let done = together(|| self.empty(&mut inlets));
            delivers.set(false);
            drop(inlets);
            cpu::let_interrupts_in();
            fence(Ordering::SeqCst);
            if !done {
                return self.signs.set(RUNG);
            }
        }
    }

    /// Delivers until all rings are empty and the bell is armed; false when it has done enough for now. Messages to its own torus that are
    /// posted meanwhile are for the next time: what is looked at again and again does not keep others from going on.
    fn empty(&self, inlets: &mut [Option<ends::Inlet>]) -> bool {
        let mut left = BUDGET;
        let here = crate::here().id;
        let own = inlets.get_mut(here.index()).and_then(Option::as_mut);
        let mut own_left = own.map_or(0, ends::Inlet::waiting);
        self.door.bell.disarm();
        // It looks for memory: programs that may have some to give go on first.
        if self.later.deliver(self) {
            return false;
        }
        for exit in self.exits {
            let woken = exit.lock().room_made();
            woken.into_iter().for_each(Woken::wake);
        }
        loop {
            let mut count = 0;
            for inlet in inlets.iter_mut().flatten() {
                if inlet.from != here {
                    count += inlet.deliver();
                } else if own_left > 0 {
                    let delivered = inlet.deliver();
                    own_left = own_left.saturating_sub(delivered);
                    count += delivered;
                }
            }
            self.flush();
            left = left.saturating_sub(count);
            if left == 0 {
                return false;
            }
            if count == 0 {
                self.door.bell.arm();
                // What has to wait is delivered when there is room for what comes of it.
                if self.is_full() {
                    return true;
                }
                let from = |inlet: &mut ends::Inlet| (!inlet.is_empty()).then_some(inlet.from);
                let mut waiting = inlets.iter_mut().flatten().filter_map(from);
                match waiting.next() {
                    None => return true,
                    Some(from) if from == here && waiting.next().is_none() => return false,
                    Some(_) => self.door.bell.disarm(),
                }
            }
        }
    }
}

crate::part!(Rings, 0);
