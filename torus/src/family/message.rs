//! What tori say about processes and their families.

use super::{Answer, By, Carried, Count, Crowd, Ended, Order, Sent, Told};
use crate::message::field::Field;
use crate::{TorusId, pid::Pid};

messages! {
    /// Processes and their families, wherever they are.
    protocol 2;

    /// To the birth torus: the process is here now.
    1 Moved {
        /// The process.
        pid: Pid,
        /// How often it has moved.
        moves: u32,
        /// Where it is.
        at: TorusId,
    }
    /// To a process, by way of its birth torus: a signal.
    2 Signal {
        /// The process that is meant.
        to: Pid,
        /// What the answer is to carry.
        token: u64,
        /// The signal, and who sends it.
        sent: Sent,
        /// What else its handler is told.
        carried: Carried,
    }
    /// To a process, by way of its birth torus: what became of its request.
    3 Answer {
        /// The process that asked.
        to: Pid,
        /// What the request carried.
        token: u64,
        /// The answer.
        answer: Answer,
    }
    /// To a process, by way of its birth torus: tell or change something of yourself.
    4 Order {
        /// The process.
        to: Pid,
        /// What the answer is to carry.
        token: u64,
        /// The process that gives the order.
        by: By,
        /// The order.
        order: Order,
    }
    /// To a parent, by way of its birth torus: its child has ended.
    5 Exited {
        /// The parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// How.
        ended: Ended,
    }
    /// To the birth torus: the status of the process was collected.
    6 Reaped {
        /// The process that is no more.
        pid: Pid,
        /// How often it had moved: so much news the birth torus has heard or will.
        moves: u32,
    }
    /// To a process that has ended, by way of its birth torus: its status was collected.
    7 Reap {
        /// The process that is no more.
        to: Pid,
    }
    /// To a parent, by way of its birth torus: its child has stopped or goes on.
    8 Changed {
        /// The parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// How many of these it has sent: older ones that come later are ignored.
        number: u32,
        /// Its Linux wait status.
        status: u32,
        /// Its real user.
        uid: u32,
    }
    /// To a process, by way of its birth torus: its parent has ended, init is its parent.
    9 Orphaned {
        /// The process.
        to: Pid,
        /// The parent that has ended.
        by: Pid,
        /// The real user of that.
        uid: u32,
    }
    /// To init, or to the parent of a process that has made a sibling, by way of its birth torus: this is your child now.
    10 Adopt {
        /// Init, or the parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// Its group.
        group: Pid,
        /// How it ended, if it has.
        ended: Option<Ended>,
    }
    /// To a child, by way of its birth torus: be in another group.
    11 Regroup {
        /// The child.
        to: Pid,
        /// Its parent.
        from: Pid,
        /// The group.
        group: Pid,
        /// The session in which this is allowed.
        session: Pid,
        /// Whether the group is one of the session.
        known: bool,
        /// What the answer is to carry.
        token: u64,
    }
    /// To a parent, by way of its birth torus: its child is in another group.
    12 Grouped {
        /// The parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// The group.
        group: Pid,
        /// What the answer is to carry.
        token: u64,
    }
    /// To a process, by way of its birth torus: which group or session is yours?
    13 Ask {
        /// The process.
        to: Pid,
        /// The process that asks.
        from: Pid,
        /// The session, else the group.
        session: bool,
        /// What the answer is to carry.
        token: u64,
    }
    /// To every torus: something that many are told.
    14 All {
        /// Counts up, for each sender.
        number: u64,
        /// Up to this number all tori have answered.
        stable: u64,
        /// For whom.
        crowd: Crowd,
        /// What they are told.
        told: Told,
    }
    /// To the torus where it began: those here have been told.
    15 Heard {
        /// Its number.
        number: u64,
        /// What they make together.
        count: Count,
    }
    /// To a child, by way of its birth torus: go to another torus.
    16 Push {
        /// The child.
        to: Pid,
        /// Its parent.
        from: Pid,
        /// The parent's real user.
        uid: u32,
        /// Its effective user.
        euid: u32,
        /// Where it is to go.
        torus: TorusId,
        /// What the answer is to carry.
        token: u64,
    }
}

impl Message {
    /// The process that a message goes to by way of its birth torus.
    pub const fn addressee(&self) -> Option<Pid> {
        match *self {
            Self::Signal { to, .. }
            | Self::Order { to, .. }
            | Self::Answer { to, .. }
            | Self::Exited { to, .. }
            | Self::Reap { to }
            | Self::Changed { to, .. }
            | Self::Orphaned { to, .. }
            | Self::Adopt { to, .. }
            | Self::Regroup { to, .. }
            | Self::Grouped { to, .. }
            | Self::Push { to, .. }
            | Self::Ask { to, .. } => Some(to),
            _ => None,
        }
    }
}
