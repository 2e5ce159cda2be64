//! Handing a line to whom it concerns: one table that names every protocol, so that none is added without a receiver.

use linux::receivers;
use tori::rings::probe;
use torus::TorusId;
use torus::message::{MessageError, Protocol, protocol_of};
use torus::ring::Line;

/// Hands on a line from the torus `from`.
pub fn deliver(from: TorusId, line: &Line) {
    let delivered = match protocol_of(line) {
        torus::migrate::Message::PROTOCOL => hand(from, line, receivers::migrate),
        torus::family::Message::PROTOCOL => hand(from, line, receivers::family),
        torus::lease::Message::PROTOCOL => hand(from, line, travel::lease::receive::receive),
        torus::file::Message::PROTOCOL => hand(from, line, receivers::file),
        torus::balance::Message::PROTOCOL => hand(from, line, about_load),
        torus::machine::Message::PROTOCOL => hand(from, line, about_machine),
        torus::probe::Message::PROTOCOL => hand(from, line, probe::receive),
        _ => Err(MessageError::Kind(line.0[0])),
    };
    if let Err(error) = delivered {
        log::error!("from torus {from}: {error}");
    }
}

#[inline]
fn hand<M: Protocol>(
    from: TorusId,
    line: &Line,
    receive: impl FnOnce(TorusId, M),
) -> Result<(), MessageError> {
    receive(from, M::decode(line)?);
    Ok(())
}

fn about_load(from: TorusId, message: torus::balance::Message) {
    use torus::balance::Message;
    match message {
        Message::Load { load } => receivers::load_told(from, load),
        Message::Want { load } => receivers::wanted(from, load),
        Message::Drain {
            from,
            token,
            begin,
            undo,
        } => receivers::drain(from, token, begin, undo),
    }
}

fn about_machine(from: TorusId, message: torus::machine::Message) {
    use torus::machine::Message;
    match message {
        Message::Begin {} => receivers::begin(),
        Message::OpenSwap {} => crate::swap::open(),
        Message::End { kill } => receivers::end(from, kill),
        Message::Linger {} => receivers::tell(),
        Message::Close {} => receivers::close(from),
        Message::Done {} => receivers::done(),
    }
}
