//! What is said of processes that move: to whom it goes here.

use super::{arrive, depart};
use torus::TorusId;
use torus::migrate::Message;

/// A message from the torus `from`.
pub fn receive(from: TorusId, message: Message) {
    match travel::receive(from, message) {
        Some(Message::Offer { pid, image }) => arrive::offered(from, pid, image),
        Some(Message::Adopted { pid }) => depart::adopted(pid),
        Some(Message::Refused { pid, reason }) => depart::refused(pid, reason),
        Some(Message::Departed { pid }) => depart::settled(pid),
        _ => {}
    }
}
