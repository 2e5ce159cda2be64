//! What is said of pages that stayed behind when their process left: to whom it goes here.

use crate::{home, migrated};
use torus::TorusId;
use torus::migrate::{DepositEvent, Event, Message};

/// A message from the torus `from`, if it is about pages; else it comes back: it is about a process.
pub fn receive(from: TorusId, message: Message) -> Option<Message> {
    match message {
        Message::Pull { deposit, span } => home::event(deposit, DepositEvent::Pull { from, span }),
        Message::Grant { deposit, span } => {
            migrated::event(deposit, Event::Granted { deposit, span })
        }
        Message::Lost { deposit, page } => migrated::event(deposit, Event::Lost { deposit, page }),
        Message::Free { deposit, span } => home::event(deposit, DepositEvent::Free { span }),
        Message::Fork { parent, child } => home::event(parent, DepositEvent::Fork { from, child }),
        Message::Forked {
            parent,
            child,
            root,
        } => migrated::forked(parent, child, Some(root)),
        Message::ForkFailed { parent, child } => migrated::forked(parent, child, None),
        Message::Release { deposit } => home::event(deposit, DepositEvent::Release),
        Message::PageRead { deposit, page } => {
            home::event(deposit, DepositEvent::Read { page, good: true });
        }
        Message::Tend {} => {
            migrated::drain();
        }
        Message::Offer { .. }
        | Message::Adopted { .. }
        | Message::Refused { .. }
        | Message::Departed { .. } => return Some(message),
    }
    None
}
