//! Pages that are brought while nobody has anything else to do, until nothing is left elsewhere.

use super::fault::take_back;
use super::{MigratedPages, Todo, step};
use crate::per_torus::own;
use alloc::sync::Arc;
use machine::cpu;
use mem::space::{Space, VmSpace};
use tori::low_watermark;
use torus::migrate::{Claim, Event, PullMachine};
use vm::addr::Page;
use vm::space::Away;

/// Goes on with what spaces of this torus have elsewhere, while nobody has anything else to do. False when there is nothing to do
/// before something else happens.
pub fn drain() -> bool {
    let cursor = &own().drained;
    let count = own().claims.lock().len();
    (0..count).any(|_| {
        cpu::let_interrupts_in();
        let Some((deposit, space)) = own().any_claimant(*cursor.lock()) else {
            return false;
        };
        *cursor.lock() = Some(deposit);
        drain_space(&space)
    })
}

/// Asks for more of what a space has elsewhere, or gives up claims to which nothing leads; whether it got on by itself.
fn drain_space(space: &Arc<Space>) -> bool {
    let drained = super::with(space, |space, host| {
        let mut todo = Todo::default();
        // A frozen space is another torus's to read.
        let may = host.resident.runs() && !host.resident.is_forking();
        let goes_on = may && drain_more(space, host, &mut todo);
        (todo, goes_on, host.resident.pid())
    });
    drained.is_some_and(|(todo, goes_on, pid)| {
        todo.tell(space, pid);
        goes_on
    })
}

/// Tables or blocks of pages that are seen to in one go.
const STEPS: usize = 16;

fn drain_more(space: &mut VmSpace, host: &mut MigratedPages, todo: &mut Todo) -> bool {
    let torus = tori::here();
    let (memory, here) = (torus.memory(), torus.id);
    for _ in 0..STEPS {
        match space.next_away(memory, host.cursor) {
            Some(Away::Folded(at, _)) => {
                host.cursor = at;
                if space.unfold(memory, at).is_err() {
                    return false;
                }
            }
            Some(Away::Page(first, source)) => {
                host.cursor = first;
                match host.resident.claim(source) {
                    Some(claim) if claim.home == here => {
                        if !matches!(take_back(space, &host.resident, claim, first), Ok(true)) {
                            return false;
                        }
                    }
                    // Pages that come in the background are not to drive out those that programs use.
                    _ if torus.for_programs() < low_watermark(torus.total()) => return false,
                    _ => {
                        *todo = step(space, &mut host.resident, Event::Idle { first, source });
                        return false;
                    }
                }
            }
            // Pages that could not be copied have stayed remote.
            None if host.cursor > Page(0) => host.cursor = Page(0),
            None => {
                *todo = sweep(space, &mut host.resident);
                return false;
            }
        }
    }
    true
}

/// Nothing remote is left: gives up all claims.
fn sweep(space: &mut VmSpace, resident: &mut PullMachine) -> Todo {
    let mut todo = Todo::default();
    let mut at = 0;
    while let Some(Claim { source, .. }) = resident.claims().get(at).copied() {
        let swept = step(space, resident, Event::Swept { source });
        todo.departs = todo.departs.or(swept.departs);
        todo.wake |= swept.wake;
        if resident.claim(source).is_none() {
            space.forget_source(source);
        } else {
            at += 1;
        }
    }
    todo
}
