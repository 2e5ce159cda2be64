//! One torus of the emulation: its processes, and what it does for its families.

use super::*;
use crate::message::Protocol as _;

/// What travels on a wire.
pub(super) enum Item {
    Message(Message),
    /// A process with its record.
    Offer(Pid, Vec<u64>),
    Adopted(Pid),
    Refused(Pid),
    Departed(Pid),
}

pub(super) type Wires = BTreeMap<(TorusId, TorusId), VecDeque<Item>>;

/// What a process of the emulation is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Runs,
    /// Its last call waits for the answer with this token.
    Asks(u64),
    Moving,
    Ended,
}

pub(super) struct Process {
    pub(super) at: TorusId,
    pub(super) state: State,
    /// It has just come: it may not move on yet.
    pub(super) arriving: bool,
    pub(super) group: Pid,
    /// Signals and orders that it has had, by their number.
    pub(super) had: Vec<u32>,
}

/// The world of one torus.
pub(super) struct Hands<'a> {
    pub(super) own: TorusId,
    pub(super) wires: &'a mut Wires,
    pub(super) processes: &'a mut BTreeMap<Pid, Process>,
}

impl World for Hands<'_> {
    fn send(&mut self, to: TorusId, message: Message) {
        let line = message.encode();
        let message = Message::decode(&line).unwrap();
        let wire = self.wires.entry((self.own, to)).or_default();
        wire.push_back(Item::Message(message));
    }

    fn permits(&self, _: Pid, _: Sent) -> bool {
        true
    }

    fn signal(&mut self, to: Pid, sent: Sent, carried: Carried) -> Struck {
        assert_eq!(carried, sent.carried());
        let process = self.processes.get_mut(&to).unwrap();
        assert_eq!(process.at, self.own);
        assert_ne!(process.state, State::Ended);
        assert!(
            !process.had.contains(&sent.uid),
            "{to} gets {} twice",
            sent.uid
        );
        process.had.push(sent.uid);
        Struck::Given
    }

    fn order(&mut self, to: Pid, by: By, order: Order) -> Answer {
        let process = self.processes.get_mut(&to).unwrap();
        // One that is on its way may hear it at both ends.
        if order != (Order::Nice { new: None }) && !process.had.contains(&by.uid) {
            process.had.push(by.uid);
        }
        Answer::from(1)
    }

    fn user(&self, pid: Pid) -> Option<u32> {
        self.processes.get(&pid).map(|_| pid.raw() as u32 % 3)
    }

    fn child(&mut self, parent: Pid, _: Pid, _: News) {
        assert_eq!(self.processes[&parent].at, self.own);
    }

    fn orphaned(&mut self, pid: Pid, by: Pid, _: u32) {
        assert_eq!(self.processes[&pid].at, self.own);
        assert_ne!(self.processes[&pid].state, State::Ended);
        assert_eq!(self.processes[&by].state, State::Ended);
    }

    fn collects(&self, parent: Pid) -> bool {
        // Some ignore SIGCHLD.
        parent == Pid::INIT || parent.raw() % 5 != 0
    }

    fn push(&mut self, pid: Pid, _: TorusId, _: (Pid, u64)) -> Option<i32> {
        let process = &self.processes[&pid];
        assert_eq!(process.at, self.own);
        assert_ne!(process.state, State::Ended);
        Some(0)
    }

    fn answered(&mut self, _: Pid) {}

    fn gone(&mut self, pid: Pid) {
        let process = &self.processes[&pid];
        assert!(process.at != self.own || process.state == State::Ended);
    }
}
