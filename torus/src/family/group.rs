//! Process groups and sessions (setpgid(2), setsid(2)) of processes wherever they are.
//!
//! Where a rule needs to know whether a group exists, and it does not on this torus, the caller asks all tori
//! ([`Families::to_crowd`] with signal 0) and comes again with the answer.

use super::Message;
use super::{
    Families, PIECE, World,
    route::{NO_PROCESS, NOT_PERMITTED},
};
use crate::pid::Pid;

/// EACCES: it has executed a program since fork.
const EXECUTED: i32 = -13;

impl Families {
    /// Whether somebody here is in this group, and in this session if one is named.
    pub fn has_group<W: World>(&self, group: Pid, session: Option<Pid>, world: &mut W) -> bool {
        self.kin.values().enumerate().any(|(round, kin)| {
            if round % PIECE == PIECE - 1 {
                world.pause();
            }
            kin.group == group && session.is_none_or(|session| kin.session == session)
        })
    }

    /// Whether a process that is here has led a group, so that others may be in one of its name.
    pub fn has_led(&self, pid: Pid) -> bool {
        self.kin.get(&pid).is_some_and(|kin| kin.led)
    }

    /// setpgid(2) by `me`, which is here, of itself or a child; the group is `pid`'s own or in the session, unless that is not `known`.
    /// The answer is 0 or an error number.
    pub fn set_group<W: World>(
        &mut self,
        me: Pid,
        pid: Pid,
        (group, known): (Pid, bool),
        token: u64,
        world: &mut W,
    ) {
        let Some(kin) = self.kin.get_mut(&me) else {
            return;
        };
        let session = kin.session;
        if pid != me && kin.child(pid).is_none() {
            self.reply(me, token, NO_PROCESS, world);
        } else if pid != me {
            let message = Message::Regroup {
                to: pid,
                from: me,
                group,
                session,
                known,
                token,
            };
            self.post(pid, message, world);
        } else if session == me || !known {
            self.reply(me, token, NOT_PERMITTED, world);
        } else {
            self.enter(me, group, token, world);
        }
    }

    /// setsid(2) of a process that is here; nobody is in a group of its name. The answer is 0.
    pub fn set_session<W: World>(&mut self, me: Pid, token: u64, world: &mut W) {
        if let Some(kin) = self.kin.get_mut(&me) {
            kin.session = me;
        }
        self.enter(me, me, token, world);
    }

    /// Puts a process that is here into a group and tells its parent, which may wait for children by group.
    fn enter<W: World>(&mut self, me: Pid, group: Pid, token: u64, world: &mut W) {
        let Some(kin) = self.kin.get_mut(&me) else {
            return;
        };
        kin.group = group;
        kin.led |= group == me;
        match kin.parent {
            None => self.reply(me, token, 0, world),
            Some(to) => {
                let message = Message::Grouped {
                    to,
                    child: me,
                    group,
                    token,
                };
                self.post(to, message, world);
            }
        }
    }

    /// A parent puts its child, which is here, into a group of its session; 0 or an error number.
    pub(super) fn regroup(
        &mut self,
        pid: Pid,
        from: Pid,
        (group, session, known): (Pid, Pid, bool),
    ) -> i32 {
        let Some(kin) = self.kin.get_mut(&pid) else {
            return NO_PROCESS;
        };
        if kin.parent != Some(from) {
            return NO_PROCESS;
        }
        if kin.session != session {
            return NOT_PERMITTED;
        }
        if kin.executed {
            return EXECUTED;
        }
        if kin.session == pid || !known {
            return NOT_PERMITTED;
        }
        kin.group = group;
        kin.led |= group == pid;
        0
    }

    /// A child of a process that is here is in another group.
    pub fn child_grouped(&mut self, parent: Pid, pid: Pid, group: Pid) {
        if let Some(child) = self.kin.get_mut(&parent).and_then(|kin| kin.child(pid)) {
            child.group = group;
        }
    }

    /// Asks a process, wherever it is, for its group or session; the answer is the number, or an error number.
    pub fn ask<W: World>(&mut self, me: Pid, pid: Pid, session: bool, token: u64, world: &mut W) {
        let message = Message::Ask {
            to: pid,
            from: me,
            session,
            token,
        };
        self.post(pid, message, world);
    }
}
