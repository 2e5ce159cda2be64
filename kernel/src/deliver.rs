//! Handing a line to whom it concerns: one table that names every protocol, so that none is added without a receiver.

use crate::file::far as files;
use crate::migrate::{self, lease};
use crate::process::{balance, closing, drain, far as families, init};
use tori::rings::probe;
use torus::TorusId;
use torus::message::{MessageError, Protocol, protocol_of};
use torus::ring::Line;
use torus::{
    balance as loads, family as kin, file, lease as lent, machine, migrate as moves,
    probe as probes,
};

/// Hands on a line from the torus `from`.
pub fn deliver(from: TorusId, line: &Line) {
    let delivered = match protocol_of(line) {
        moves::Message::PROTOCOL => hand(from, line, migrate::receive::receive),
        kin::Message::PROTOCOL => hand(from, line, families::deliver),
        lent::Message::PROTOCOL => hand(from, line, lease::receive::receive),
        file::Message::PROTOCOL => hand(from, line, files::receive::receive),
        loads::Message::PROTOCOL => hand(from, line, about_load),
        machine::Message::PROTOCOL => hand(from, line, about_machine),
        probes::Message::PROTOCOL => hand(from, line, probe::receive),
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

fn about_load(from: TorusId, message: loads::Message) {
    use loads::Message;
    match message {
        Message::Load { load } => balance::told(from, load),
        Message::Want { load } => balance::wanted(from, load),
        Message::Drain {
            from,
            token,
            begin,
            undo,
        } => drain::told(from, token, begin, undo),
    }
}

fn about_machine(from: TorusId, message: machine::Message) {
    use machine::Message;
    match message {
        Message::Begin {} => init::begin(),
        Message::OpenSwap {} => crate::swap::open(),
        Message::End { kill } => closing::end(from, kill),
        Message::Linger {} => closing::tell(),
        Message::Close {} => closing::close(from),
        Message::Done {} => closing::done(),
    }
}
