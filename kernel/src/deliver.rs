//! Handing a message to whom it concerns: one table that names every message, so that none is added without a receiver.

use crate::file::far::{asking, exports, serving};
use crate::file::tty;
use crate::migrate::lease::home::Wish;
use crate::migrate::lease::{holder, home as lender};
use crate::migrate::{arrive, depart, home, host};
use crate::process::{balance, closing, drain, far, init};
use tori::rings::probe;
use torus::TorusId;
use torus::message::Message;
use torus::migrate::{DepositEvent, Event};

/// Hands on a message from the torus `from`.
#[expect(clippy::too_many_lines, reason = "one line for each message")]
pub fn deliver(from: TorusId, message: Message) {
    match message {
        // Processes that move, and the pages that they leave behind.
        Message::Offer { pid, image } => arrive::offered(from, pid, image),
        Message::Adopted { pid } => depart::adopted(pid),
        Message::Refused { pid, reason } => depart::refused(pid, reason),
        Message::Departed { pid } => depart::settled(pid),
        Message::Pull { deposit, span } => home::event(deposit, DepositEvent::Pull { from, span }),
        Message::Grant { deposit, span } => host::event(deposit, Event::Granted { deposit, span }),
        Message::Lost { deposit, page } => host::event(deposit, Event::Lost { deposit, page }),
        Message::Free { deposit, span } => home::event(deposit, DepositEvent::Free { span }),
        Message::Fork { parent, child } => home::event(parent, DepositEvent::Fork { from, child }),
        Message::Forked {
            parent,
            child,
            root,
        } => host::forked(parent, child, Some(root)),
        Message::ForkFailed { parent, child } => host::forked(parent, child, None),
        Message::Release { deposit } => home::event(deposit, DepositEvent::Release),
        Message::PageRead { deposit, page } => {
            home::event(deposit, DepositEvent::Read { page, good: true });
        }

        // Memory objects that processes of other tori map.
        Message::Hold {
            object,
            holder,
            change,
        } => lender::hold(object, holder, change),
        Message::Unhold { object, count } => lender::unhold(from, object, count),
        Message::Lend {
            object,
            lease,
            index,
            asker,
        } => lender::lend(Wish {
            holder: from,
            lease,
            object,
            index,
            asker,
        }),
        Message::LendAgain {
            object,
            index,
            holder,
            lease,
            asker,
        } => lender::lend(Wish {
            holder,
            lease,
            object,
            index,
            asker,
        }),
        Message::Lent {
            lease,
            index,
            frame,
        } => holder::lent(from, lease, index, frame),
        Message::NotLent {
            lease,
            index,
            asker,
            why,
        } => holder::not_lent(from, lease, index, asker, why),
        Message::Content {
            lease,
            index,
            frame,
            root0,
            root1,
            root2,
            root3,
        } => holder::content(from, lease, index, frame, [root0, root1, root2, root3]),
        Message::HaveContent { object, index } => lender::copied(from, object, index),
        Message::Cut {
            object,
            from: page,
            cut,
        } => holder::cut(from, object, page, cut),
        Message::Forgotten {
            object,
            from: page,
            cut,
        } => lender::forgotten(from, object, page, cut),

        // Files.
        Message::FileAsk {
            call,
            parcel,
            frames,
        } => serving::begin(from, call, parcel, frames),
        Message::FileAnswer { call } => asking::answered(call),
        Message::FileCancel { call } => serving::cancel(from, call),
        Message::FileHold {
            file,
            holder,
            change,
        } => exports::hold(file, holder, change),
        Message::FileWoken { request } => serving::woken(request),
        Message::FileUnlock { file, process } => exports::unlock(file, process),
        Message::Leaderless { leader } => tty::ioctl::leader_ended(leader),

        // Processes and their families, wherever they are.
        Message::Moved { .. }
        | Message::Signal { .. }
        | Message::Answer { .. }
        | Message::Exited { .. }
        | Message::Reaped { .. }
        | Message::Reap { .. }
        | Message::Changed { .. }
        | Message::Orphaned { .. }
        | Message::Adopt { .. }
        | Message::Regroup { .. }
        | Message::Grouped { .. }
        | Message::Ask { .. }
        | Message::Order { .. }
        | Message::All { .. }
        | Message::Heard { .. }
        | Message::Push { .. } => far::deliver(from, message),

        // Tori.
        Message::Load { load } => balance::told(from, load),
        Message::Want { load } => balance::wanted(from, load),
        Message::Drain {
            from,
            token,
            begin,
            undo,
        } => drain::told(from, token, begin, undo),
        Message::Tend {} => {
            host::drain();
        }
        Message::OpenSwap {} => crate::mem::swap::open(),
        Message::Probe { number, check } => probe::receive(from, number, check),

        // The beginning and the end of the machine.
        Message::Begin {} => init::begin(),
        Message::End { kill } => closing::end(from, kill),
        Message::Linger {} => closing::tell(),
        Message::Close {} => closing::close(from),
        Message::Done {} => closing::done(),
    }
}
