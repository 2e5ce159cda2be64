//! Forks of a process that has pages elsewhere: each home makes a deposit for the child.

use super::claims::{announce, register};
use super::{MigratedPages, send};
use crate::per_torus::own;
use alloc::sync::Arc;
use fallible::reserve;
use mem::space::Space;
use torus::DepositId;
use torus::migrate::{Effect, Effects, Event, MigrateError, PullMachine};
use torus::pid::Pid;
use vm::addr::Frame;
use vm::space::SpaceError;

/// Blocks of the heap that a fork takes to note claims: of lists, and nodes of a map for each claim; and the size of one.
const NOTES: usize = 64;
const NOTE: usize = 512;

/// The process forks: `copy`, the space of `child`, gets claims of its own, which the homes have to make first.
pub(super) fn fork(
    host: &mut MigratedPages,
    child: Pid,
    copy: &Arc<Space>,
) -> Result<(), SpaceError> {
    if host.resident.claims().is_empty() {
        return Ok(());
    }
    // Where the deposits are is heard when nobody can be told any more that there is no memory to note it.
    let claims = host.resident.claims().len();
    let expected = copy.with_pages(|space, _| space.expect_sources(claims));
    expected.map_err(|_| SpaceError::NoMemory)?;
    let mut own_host = fallible::boxed(MigratedPages::new(PullMachine::new(child)))?;
    let mut effects = Effects::new();
    // The claims that the homes are asked to make are noted here, or not asked for.
    let _held = reserve(NOTES, NOTES * NOTE)?;
    let name = || own().names.lock().give();
    let embryo = host.resident.fork(child, name, announce, &mut effects);
    let embryo = embryo.map_err(|error| match error {
        MigrateError::NoMemory(_) => SpaceError::NoMemory,
        _ => SpaceError::Away,
    })?;
    register(copy, embryo.claims());
    own_host.resident = embryo;
    copy.with_pages(|_, remote| *remote = Some(own_host));
    for effect in &*effects {
        if let Effect::Send { to, message } = *effect {
            send(to, message);
        }
    }
    Ok(())
}

/// The deposit of a forked child is made, with this top table; or it is not.
pub fn forked(parent: DepositId, child: DepositId, root: Option<Frame>) {
    let event = match root {
        Some(_) => Event::Forked { child },
        None => Event::ForkFailed { child },
    };
    if let (Some(space), Some(root)) = (own().claimant(child), root) {
        let noted = super::with(&space, |space, host| {
            let claim = host.resident.claim_to(child)?;
            space.set_source(claim.source, root).ok()
        });
        if noted.flatten().is_none() {
            log::error!("deposit {child} is nobody's");
        }
    }
    // The child's comes last: when it is born, its parent may go on.
    for deposit in [parent, child] {
        super::event(deposit, event);
    }
    if root.is_none() {
        own().claims.lock().remove(&child);
    }
}

/// Whether what a forked child has elsewhere is there: `None` while homes are still to answer.
pub fn is_born(space: &Space) -> Option<bool> {
    let state = super::with(space, |_, host| {
        (host.resident.runs(), host.resident.is_forking())
    });
    match state {
        None | Some((true, _)) => Some(true),
        Some((false, true)) => None,
        Some((false, false)) => Some(false),
    }
}
