//! Pages that come: because a thread has touched them, and from homes that have granted them.

use super::{Pages, Todo, execute, step};
use crate::per_torus::own;
use mem::NoFrame;
use mem::frame_ref::FrameRef;
use mem::space::VmSpace;
use tori::RemoteFrame;
use tori::counters;
use tori::poison;
use torus::migrate::{Claim, Copies, Effects, Event, PullMachine};
use torus::span::Span;
use torus::{DepositId, TorusId};
use vm::addr::{Frame, Page};
use vm::frames::Use;
use vm::space::granted;
use vm::table::Source;

/// A thread has touched a remote page. False: it has to wait until it is woken; true: the page is here.
///
/// # Errors
/// [`NoFrame`]: room is to be made first.
pub(super) fn pull(
    space: &mut VmSpace,
    resident: &mut PullMachine,
    page: Page,
    source: Source,
) -> Result<bool, NoFrame> {
    let torus = tori::here();
    match resident.claim(source) {
        Some(claim) if claim.home == torus.id => take_back(space, resident, claim, page),
        _ if torus.for_programs() == 0 => Err(NoFrame),
        _ => {
            let todo = step(space, resident, Event::Fault { page, source });
            // Only messages come of it.
            debug_assert!(!todo.wake && todo.departs.is_none());
            Ok(false)
        }
    }
}

/// Moves pages over from a deposit on this torus; false when a child's deposit has to be made of it first.
pub(super) fn take_back(
    space: &mut VmSpace,
    resident: &PullMachine,
    claim: Claim,
    page: Page,
) -> Result<bool, NoFrame> {
    if resident.is_forking() {
        return Ok(false);
    }
    let Some(home) = own().deposit(claim.deposit) else {
        return Ok(false);
    };
    let memory = tori::here().memory();
    let taken = home.space.look(|frozen| {
        let taken = space.take_back(memory, frozen, claim.source, page);
        home.count(frozen);
        taken
    });
    taken.map(|()| true).map_err(|_| NoFrame)
}

/// Copies granted pages into frames of this torus.
pub(super) fn copy(
    space: &mut VmSpace,
    resident: &mut PullMachine,
    deposit: DepositId,
    (span, awaited): (Span, Span),
    todo: &mut Todo,
) {
    let claim = resident.claim_to(deposit);
    let root = claim.and_then(|claim| Some((claim.home, space.table().root_of(claim.source)?)));
    let Some((home, root)) = root else { return };
    let memory = tori::here().memory();
    let mut copies = Copies::new(deposit, span);
    for page in span.pages() {
        let came = granted(memory, root, page)
            .is_some_and(|frame| bring(space, page, (home, frame), awaited.contains(page)).is_ok());
        if came {
            copies.came(page);
        }
    }
    counters::own().pages_pulled.add(copies.len());
    for event in copies.events() {
        let mut effects = Effects::new();
        if let Err(error) = resident.step(event, &Pages(space), &mut effects) {
            log::error!("{error}");
        }
        execute(space, resident, &effects, todo);
    }
}

/// Copies a page from a frame of the torus `home`, if it is still wanted.
fn bring(
    space: &mut VmSpace,
    page: Page,
    (home, from): (TorusId, Frame),
    asked: bool,
) -> Result<(), NoFrame> {
    let torus = tori::here();
    let from = RemoteFrame::of(home, from).ok_or(NoFrame)?;
    let mut copy = FrameRef::new(Use::Private).ok_or(NoFrame)?;
    copy.fill(|bytes| from.copy_to(bytes));
    let frame = copy.into_frame();
    poison::copied(frame);
    if !space.arrive(torus.memory(), page, frame, asked) {
        torus.free_frame(frame);
    } else if !asked {
        counters::own().pages_prefetched.add(1);
    }
    Ok(())
}
