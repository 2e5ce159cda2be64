//! Processes of other tori: what arrives from there about processes of this one.

use crate::rings::probe;
use torus::TorusId;
use torus::message::Message;

/// A message about a process, from the torus `from`.
pub fn deliver(from: TorusId, message: Message) {
    match message {
        Message::Probe { number, check } => probe::receive(from, number, check),
        other => log::error!("from torus {from}, not for a process: {other:?}"),
    }
}
