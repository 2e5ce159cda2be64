//! What is said of processes that move, and of the pages that they leave: to whom it goes here.

use super::{arrive, depart, home, host};
use torus::TorusId;
use torus::migrate::{DepositEvent, Event, Message};

/// A message from the torus `from`.
pub fn receive(from: TorusId, message: Message) {
    match message {
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
        Message::Tend {} => {
            host::drain();
        }
    }
}
