//! Pages that come: because a thread has touched them, and from homes that have granted them.

use super::super::own;
use super::{Pages, Todo, execute, step};
use crate::mem::space::VmSpace;
use machine::paging;
use tori::counters;
use tori::poison;
use torus::DepositId;
use torus::migrate::{Claim, Effects, Event, Resident};
use torus::span::Span;
use vm::addr::{Frame, PAGE_SIZE, Page};
use vm::frames::Use;
use vm::space::granted;
use vm::table::Source;

/// A thread has touched a remote page. False: it has to wait until it is woken; true: the page is here.
///
/// # Errors
/// [`NoFrame`]: room is to be made first.
pub fn fault(
    space: &mut VmSpace,
    resident: &mut Resident,
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

/// No frame was left.
pub struct NoFrame;

/// Moves pages over from a deposit on this torus; false when a child's deposit has to be made of it first.
pub(super) fn take_back(
    space: &mut VmSpace,
    resident: &Resident,
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
    resident: &mut Resident,
    deposit: DepositId,
    (span, awaited): (Span, Span),
    todo: &mut Todo,
) {
    let root = resident
        .claim_to(deposit)
        .and_then(|claim| space.table().root_of(claim.source));
    let Some(root) = root else { return };
    let memory = tori::here().memory();
    let (mut copied, mut uncopied) = (Span { mask: 0, ..span }, Span { mask: 0, ..span });
    for page in span.pages() {
        let done = match granted(memory, root, page) {
            Some(frame) => bring(space, page, frame, awaited.contains(page)),
            // A page that was not copied is not freed at its home.
            None => Err(NoFrame),
        };
        match done {
            Ok(()) => copied.mask |= span.bit(page),
            Err(NoFrame) => uncopied.mask |= span.bit(page),
        }
    }
    counters::own().pages_pulled.add(copied.len());
    for (span, event) in [
        (
            copied,
            Event::Copied {
                deposit,
                span: copied,
            },
        ),
        (
            uncopied,
            Event::Uncopied {
                deposit,
                span: uncopied,
            },
        ),
    ] {
        if !span.is_empty() {
            let mut effects = Effects::new();
            if let Err(error) = resident.step(event, &Pages(space), &mut effects) {
                log::error!("{error}");
            }
            execute(space, resident, &effects, todo);
        }
    }
}

/// Copies a page from a frame of another torus, if it is still wanted.
fn bring(space: &mut VmSpace, page: Page, from: Frame, asked: bool) -> Result<(), NoFrame> {
    let torus = tori::here();
    let frame = torus.alloc_frame(Use::Private).ok_or(NoFrame)?;
    let source = paging::phys_to_virt(from.start());
    let target = paging::phys_to_virt(frame.start());
    // SAFETY: K32, the home has granted the frame and keeps it; ours is new.
    unsafe { target.copy_from_nonoverlapping(source, PAGE_SIZE) };
    poison::copied(frame);
    if !space.arrive(torus.memory(), page, frame, asked) {
        torus.free_frame(frame);
    } else if !asked {
        counters::own().pages_prefetched.add(1);
    }
    Ok(())
}
