//! Delivering messages to processes wherever they are; [`crate::pid`] says how they are found.

use super::Message;
use super::{Answer, By, Carried, Families, Kin, Life, Order, Sent, World};
use crate::{
    TorusId,
    pid::{Pid, PidError, Whereabouts},
};

/// ESRCH (errno(3)), as an answer carries it.
pub(super) const NO_PROCESS: i32 = -3;
/// EPERM (errno(3)), as an answer carries it.
pub(super) const NOT_PERMITTED: i32 = -1;
/// EAGAIN: too many signals wait already.
const TRY_AGAIN: i32 = -11;

impl Families {
    /// A message of [`Message::addressee`], or about a process that was born here, or to a crowd.
    ///
    /// # Errors
    /// [`PidError`]: news of a process that was not born here.
    pub fn receive<W: World>(
        &mut self,
        from: TorusId,
        message: Message,
        world: &mut W,
    ) -> Result<(), PidError> {
        match message {
            Message::Moved { pid, moves, at } => {
                return self.births.moved(pid, Whereabouts { torus: at, moves });
            }
            Message::Reaped { pid, moves } => return self.births.reaped(pid, moves),
            Message::All {
                number,
                stable,
                crowd,
                told,
            } => self.told(from, (number, stable), (crowd, told), world),
            Message::Heard { number, count } => self.heard(number, count, world),
            message => {
                if let Some(to) = message.addressee() {
                    self.post(to, message, world);
                }
            }
        }
        Ok(())
    }

    /// Sends a signal to a process, wherever it is; the sender's call is answered.
    pub fn signal_one<W: World>(
        &mut self,
        to: Pid,
        token: u64,
        (sent, carried): (Sent, Carried),
        world: &mut W,
    ) {
        let message = Message::Signal {
            to,
            token,
            sent,
            carried,
        };
        self.post(to, message, world);
    }

    /// Gives a process an order, wherever it is; the call of who gives it is answered.
    pub fn order<W: World>(
        &mut self,
        to: Pid,
        token: u64,
        (by, order): (By, Order),
        world: &mut W,
    ) {
        let message = Message::Order {
            to,
            token,
            by,
            order,
        };
        self.post(to, message, world);
    }

    /// Has a child of `me`, which is here and has this real and effective user, go to another torus, wherever it is. The answer is 0 when it has, or an error number.
    pub fn push<W: World>(
        &mut self,
        (me, token): (Pid, u64),
        (uid, euid): (u32, u32),
        pid: Pid,
        torus: TorusId,
        world: &mut W,
    ) {
        let child = self.kin.get_mut(&me).and_then(|kin| kin.child(pid));
        if child.is_none() {
            return self.reply(me, token, NO_PROCESS, world);
        }
        let message = Message::Push {
            to: pid,
            from: me,
            uid,
            euid,
            torus,
            token,
        };
        self.post(pid, message, world);
    }

    /// Has a message delivered to a process: at once if it is here, when it has arrived if it is on its way.
    pub(super) fn post<W: World>(&mut self, to: Pid, message: Message, world: &mut W) {
        let Some(kin) = self.kin.get_mut(&to) else {
            return self.forward(to, message, world);
        };
        let Some(transit) = &mut kin.transit else {
            return self.handle(to, message, world);
        };
        let kept = world.reserve();
        if !(kept && transit.hold(message)) {
            world.release(kept.into());
            // Without memory for it, it comes round again.
            world.send(self.torus, message);
        }
    }

    /// To the birth torus, or from there to where the process is.
    fn forward<W: World>(&mut self, to: Pid, message: Message, world: &mut W) {
        let birth = to.birth();
        if birth.index() >= self.tori {
            return self.undeliverable(message, world);
        }
        if birth != self.torus {
            return world.send(birth, message);
        }
        match self.births.find(to) {
            // If that is this torus, the news of its move, or its birth, is under way.
            Ok(place) => world.send(place.torus, message),
            Err(_) => self.undeliverable(message, world),
        }
    }

    /// The process that a message is for is no more.
    fn undeliverable<W: World>(&mut self, message: Message, world: &mut W) {
        match message {
            Message::Signal { token, sent, .. } => {
                if let Some(from) = sent.from {
                    self.reply(from, token, NO_PROCESS, world);
                }
            }
            Message::Regroup { from, token, .. }
            | Message::Ask { from, token, .. }
            | Message::Push { from, token, .. } => {
                self.reply(from, token, NO_PROCESS, world);
            }
            Message::Order { by, token, .. } => self.reply(by.pid, token, NO_PROCESS, world),
            // A parent that is no more need not know.
            Message::Grouped { child, token, .. } => self.reply(child, token, 0, world),
            Message::Exited { to, child, ended } => self.orphan_ended(to, child, ended, world),
            Message::Adopt {
                child,
                ended: Some(_),
                ..
            } => self.post(child, Message::Reap { to: child }, world),
            Message::Adopt {
                to, child, group, ..
            } if to != Pid::INIT => self.pass_on(to, child, group, world),
            _ => {}
        }
    }

    /// Answers a question of a process, wherever it is.
    pub fn reply<W: World>(
        &mut self,
        to: Pid,
        token: u64,
        answer: impl Into<Answer>,
        world: &mut W,
    ) {
        let answer = answer.into();
        self.post(to, Message::Answer { to, token, answer }, world);
    }

    /// A message to a process that is here and stays.
    fn handle<W: World>(&mut self, to: Pid, message: Message, world: &mut W) {
        match message {
            Message::Signal {
                token,
                sent,
                carried,
                ..
            } => self.signalled(to, token, (sent, carried), world),
            Message::Order {
                token, by, order, ..
            } => {
                let answer = world.order(to, by, order);
                self.reply(by.pid, token, answer, world);
            }
            Message::Answer { token, answer, .. } => {
                // A call that a signal has ended does not want its answer any more.
                if let Some(kin) = self.kin.get_mut(&to)
                    && kin.tokens == token
                {
                    kin.answer = Some((token, answer));
                    world.answered(to);
                }
            }
            Message::Exited { child, ended, .. } => self.child_ended(to, child, ended, world),
            Message::Changed {
                child,
                number,
                status,
                uid,
                ..
            } => self.child_changed(to, (child, number), (status, uid), world),
            Message::Reap { .. } => self.remove(to, world),
            Message::Orphaned { by, uid, .. } => self.orphaned(to, by, uid, world),
            Message::Adopt {
                child,
                group,
                ended,
                ..
            } => self.adopt(to, child, group, ended, world),
            Message::Regroup {
                from,
                group,
                session,
                known,
                token,
                ..
            } => {
                let result = self.regroup(to, from, (group, session, known));
                self.reply(from, token, result, world);
            }
            Message::Grouped {
                child,
                group,
                token,
                ..
            } => {
                self.child_grouped(to, child, group);
                self.reply(child, token, 0, world);
            }
            Message::Push {
                from,
                uid,
                euid,
                torus,
                token,
                ..
            } => self.pushed(to, from, (uid, euid), (torus, token), world),
            Message::Ask {
                from,
                session,
                token,
                ..
            } => {
                let answer = if session {
                    self.session(to)
                } else {
                    self.group(to)
                };
                self.reply(from, token, answer.map_or(NO_PROCESS, Pid::raw), world);
            }
            _ => {}
        }
    }

    /// A signal has come to a process: its sender hears what became of it.
    fn signalled<W: World>(
        &mut self,
        to: Pid,
        token: u64,
        (sent, carried): (Sent, Carried),
        world: &mut W,
    ) {
        let result = if !self.permits(to, sent, world) {
            NOT_PERMITTED
        } else if self.strike(to, (sent, carried), world) {
            0
        } else {
            TRY_AGAIN
        };
        if let Some(from) = sent.from {
            self.reply(from, token, result, world);
        }
    }

    /// A process is to go to another torus: its parent says so, if it may.
    fn pushed<W: World>(
        &mut self,
        to: Pid,
        from: Pid,
        (uid, euid): (u32, u32),
        (torus, token): (TorusId, u64),
        world: &mut W,
    ) {
        let kin = self.kin.get(&to);
        let obeys = |kin: &&Kin| kin.parent == Some(from) && kin.life == Life::Live;
        // A process that may not signal the child may not move it.
        let sent = Sent {
            signal: 0,
            code: 0,
            from: Some(from),
            uid,
            euid,
            session: None,
        };
        let answer = match kin.filter(obeys) {
            Some(_) if !world.permits(to, sent) => Some(NOT_PERMITTED),
            Some(_) => world.push(to, torus, (from, token)),
            None => Some(NO_PROCESS),
        };
        if let Some(answer) = answer {
            self.reply(from, token, answer, world);
        }
    }
}
