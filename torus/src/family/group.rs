//! Process groups and sessions (setpgid(2), setsid(2)) of processes wherever they are.
//!
//! Where a rule needs to know whether a group exists, and it does not on this torus, the caller asks all tori
//! ([`Families::to_crowd`] with signal 0) and comes again with the answer.

use super::{Families, World};
use crate::{message::Message, pid::Pid};

/// Why a process cannot be put into a group or session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// It is neither the caller nor its child.
    #[error("no such process")]
    NoProcess,
    /// It has executed a program since fork.
    #[error("the child has executed a program")]
    Executed,
    /// It leads a session, is in another one, or the group is.
    #[error("not in this session")]
    Session,
}

impl GroupError {
    /// Its error number (errno(3)) as an answer carries it.
    const fn answer(self) -> i32 {
        match self {
            Self::NoProcess => super::route::NO_PROCESS,
            Self::Executed => -13,
            Self::Session => -1,
        }
    }
}

/// How a call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is done.
    Done,
    /// The answer to its token says how it ended; it may be there already.
    Answer,
}

impl Families {
    /// Whether somebody here is in this group, and in this session if one is named.
    pub fn has_group(&self, group: Pid, session: Option<Pid>) -> bool {
        self.kin
            .values()
            .any(|kin| kin.group == group && session.is_none_or(|session| kin.session == session))
    }

    /// Whether a process that is here has led a group, so that others may be in one of its name.
    pub fn has_led(&self, pid: Pid) -> bool {
        self.kin.get(&pid).is_some_and(|kin| kin.led)
    }

    /// setpgid(2) by `me`, which is here, of itself or a child; the group is `pid`'s own or known to be in the session.
    ///
    /// # Errors
    /// [`GroupError`].
    pub fn set_group<W: World>(
        &mut self,
        me: Pid,
        pid: Pid,
        group: Pid,
        token: u64,
        world: &mut W,
    ) -> Result<Step, GroupError> {
        let kin = self.kin.get_mut(&me).ok_or(GroupError::NoProcess)?;
        if pid == me {
            if kin.session == me {
                return Err(GroupError::Session);
            }
            return Ok(self.enter(me, group, token, world));
        }
        let session = kin.session;
        kin.child(pid).ok_or(GroupError::NoProcess)?;
        let message = Message::Regroup {
            to: pid,
            from: me,
            group,
            session,
            token,
        };
        self.post(pid, message, world);
        Ok(Step::Answer)
    }

    /// setsid(2) of a process that is here; nobody is in a group of its name.
    pub fn set_session<W: World>(&mut self, me: Pid, token: u64, world: &mut W) -> Step {
        if let Some(kin) = self.kin.get_mut(&me) {
            kin.session = me;
        }
        self.enter(me, me, token, world)
    }

    /// Puts a process that is here into a group and tells its parent, which may wait for children by group.
    fn enter<W: World>(&mut self, me: Pid, group: Pid, token: u64, world: &mut W) -> Step {
        let Some(kin) = self.kin.get_mut(&me) else {
            return Step::Done;
        };
        kin.group = group;
        kin.led |= group == me;
        let Some(to) = kin.parent else {
            return Step::Done;
        };
        let message = Message::Grouped {
            to,
            child: me,
            group,
            token,
        };
        self.post(to, message, world);
        Step::Answer
    }

    /// A parent puts its child, which is here, into a group of its session; 0 or a negative error number.
    pub(super) fn regroup(&mut self, pid: Pid, from: Pid, (group, session): (Pid, Pid)) -> i32 {
        let Some(kin) = self.kin.get_mut(&pid) else {
            return GroupError::NoProcess.answer();
        };
        let error = if kin.parent != Some(from) {
            GroupError::NoProcess
        } else if kin.executed {
            GroupError::Executed
        } else if kin.session != session || kin.session == pid {
            GroupError::Session
        } else {
            kin.group = group;
            kin.led |= group == pid;
            return 0;
        };
        error.answer()
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
