//! For whom a core works, who pays for what is made meanwhile.

use super::Thread;
use crate::per_core;
use alloc::sync::Arc;
use machine::cpu;
use sync::Waiter;

/// For whom this core works.
#[derive(Clone, Copy, Debug)]
pub struct Payer {
    /// His user id.
    pub user: u32,
    /// Bounds of users do not hold for him.
    pub privileged: bool,
    /// He is a process of this torus.
    pub is_here: bool,
}

/// Runs `f` for a user of another torus, as [`tori::on_behalf`] does.
pub fn serve<R>(user: u32, waiter: Arc<dyn Waiter>, f: impl FnOnce() -> R) -> R {
    let served = &per_core::own().served_user;
    let before = served.replace(user);
    let result = tori::on_behalf(waiter, f);
    served.set(before);
    result
}

/// The user for whom this core [serves](serve) another torus; 0 where that is nobody.
pub fn served_user() -> u32 {
    per_core::own().served_user.get()
}

/// The kernel's heap has grown by so many frames for the current thread, or shrunk, if there is any and the core works for it: not for
/// another torus, and not for what has come from there.
pub fn heap(frames: i64) {
    let works_for_it =
        || Thread::has_current() && !tori::is_on_behalf() && !tori::rings::delivers();
    if cpu::place().is_some() && works_for_it() {
        Thread::with_current(|thread| thread.process.charge_heap(frames));
    }
}

/// For whom this core works.
pub fn payer() -> Payer {
    if tori::is_on_behalf() {
        let user = served_user();
        return Payer {
            user,
            privileged: user == 0,
            is_here: false,
        };
    }
    if !Thread::has_current() {
        return Payer {
            user: 0,
            privileged: true,
            is_here: false,
        };
    }
    Thread::with_current(|thread| {
        let credentials = thread.process.credentials.lock();
        Payer {
            user: credentials.user.real,
            privileged: credentials.is_privileged(),
            is_here: true,
        }
    })
}
