//! Ends and changes of state: from a process to its parent, and to the next parent when that ends too.

use super::Message;
use super::{Carried, Child, Ended, Families, Kin, Life, News, Report, Sent, Struck, World};
use crate::pid::Pid;
use fallible::TryMap;

/// Children that are sent on at once, each with two messages.
const AT_ONCE: usize = 16;

impl Families {
    /// A process that is here has ended. Its children go to init; it is a zombie until its parent has collected it. False: it has more
    /// children than are sent on at once, and this is to be called again.
    pub fn exit<W: World>(&mut self, pid: Pid, ended: Ended, world: &mut W) -> bool {
        if !self.leave_children(pid, ended.uid, world) {
            return false;
        }
        let Some(kin) = self.kin.get_mut(&pid) else {
            return true;
        };
        kin.life = Life::Zombie;
        let parent = kin.parent;
        match parent {
            Some(to) => {
                let child = pid;
                self.post(to, Message::Exited { to, child, ended }, world);
            }
            None => self.remove(pid, world),
        }
        true
    }

    /// A process that is here was stopped or goes on; its parent learns of it.
    pub fn changed<W: World>(&mut self, pid: Pid, report: Report, uid: u32, world: &mut W) {
        let Some(kin) = self.kin.get_mut(&pid) else {
            return;
        };
        kin.changes += 1;
        if let Some(to) = kin.parent {
            let message = Message::Changed {
                to,
                child: pid,
                number: kin.changes,
                status: report.status(),
                uid,
            };
            self.post(to, message, world);
        }
    }

    /// The first process has ended, wherever it was: from now on nobody is born or adopted here, and nobody's end is waited
    /// for by it. False: it has more children here than are told at once, and this is to be called again.
    pub fn begin_end<W: World>(&mut self, world: &mut W) -> bool {
        self.ending = true;
        self.leave_children(Pid::INIT, 0, world)
    }

    /// Whether a process that is here may be sent this by its sender.
    pub(super) fn permits<W: World>(&self, pid: Pid, sent: Sent, world: &W) -> bool {
        /// SIGCONT on Linux x86-64.
        const CONTINUE: u32 = 18;
        let neighbours = sent.session.is_some() && sent.session == self.session(pid);
        sent.signal == CONTINUE && neighbours || world.permits(pid, sent)
    }

    /// A signal for a living process that is here; false when too many wait for it already.
    pub(super) fn strike<W: World>(
        &mut self,
        pid: Pid,
        (sent, carried): (Sent, Carried),
        world: &mut W,
    ) -> bool {
        let lives = self.life(pid) == Some(Life::Live);
        if sent.signal == 0 || !lives {
            return true;
        }
        match world.signal(pid, sent, carried) {
            Struck::Given => true,
            Struck::Continued => {
                self.changed(pid, Report::Continued, 0, world);
                true
            }
            Struck::Full => false,
        }
    }

    /// Children of a process that is here and ends go to init, or when that has ended, to nobody. Answers whether these were all.
    fn leave_children<W: World>(&mut self, pid: Pid, uid: u32, world: &mut W) -> bool {
        for _ in 0..AT_ONCE {
            let next = self.kin.get_mut(&pid).and_then(Kin::first_child);
            let Some((to, child)) = next else {
                return true;
            };
            world.pause();
            if let (false, Some(ended)) = (child.known || pid == Pid::INIT, child.ended) {
                // Its adoption is still under way, and goes on to init.
                self.orphan_ended(pid, to, ended, world);
                continue;
            }
            if child.ended.is_none() {
                self.post(to, Message::Orphaned { to, by: pid, uid }, world);
                world.pause();
            }
            if self.ending || pid == Pid::INIT {
                if child.ended.is_some() {
                    self.post(to, Message::Reap { to }, world);
                }
                continue;
            }
            let adopt = Message::Adopt {
                to: Pid::INIT,
                child: to,
                group: child.group,
                ended: child.ended,
            };
            self.post(Pid::INIT, adopt, world);
        }
        false
    }

    /// The parent of a process has ended: it has the next one.
    pub(super) fn orphaned<W: World>(&mut self, pid: Pid, by: Pid, uid: u32, world: &mut W) {
        let heir = (!self.ending && by != Pid::INIT).then_some(Pid::INIT);
        if let Some(kin) = self.kin.get_mut(&pid)
            && kin.parent == Some(by)
        {
            kin.parent = heir;
            if kin.life == Life::Live {
                world.orphaned(pid, by, uid);
            }
        }
    }

    /// Init, or a parent, has one more child, whose end it may have heard of already.
    pub(super) fn adopt<W: World>(
        &mut self,
        parent: Pid,
        pid: Pid,
        group: Pid,
        ended: Option<Ended>,
        world: &mut W,
    ) {
        if parent != Pid::INIT && self.life(parent) != Some(Life::Live) {
            return self.pass_on(parent, pid, group, world);
        }
        let wanted = !self.ending && world.collects(parent);
        let Some(kin) = self.kin.get_mut(&parent) else {
            return;
        };
        let early = kin.lose(pid);
        let ended = ended.or(early.and_then(|child| child.ended));
        let child = Child {
            ended,
            ..Child::new(group)
        };
        let noted = (wanted || ended.is_none()) && kin.children.put(pid, child).is_ok();
        if let Some(ended) = ended {
            if !noted {
                self.post(pid, Message::Reap { to: pid }, world);
            }
            world.child(parent, pid, News::Ended(ended));
        }
    }

    /// A parent has ended when it is told of one more child: the child goes to init.
    pub(super) fn pass_on<W: World>(&mut self, by: Pid, child: Pid, group: Pid, world: &mut W) {
        let orphaned = Message::Orphaned {
            to: child,
            by,
            uid: 0,
        };
        self.post(child, orphaned, world);
        if !self.ending {
            let adopt = Message::Adopt {
                to: Pid::INIT,
                child,
                group,
                ended: None,
            };
            self.post(Pid::INIT, adopt, world);
        }
    }

    /// A child of a process that is here has ended. One whose parent does not want to know is forgotten.
    pub(super) fn child_ended<W: World>(
        &mut self,
        parent: Pid,
        pid: Pid,
        ended: Ended,
        world: &mut W,
    ) {
        let unwanted = !world.collects(parent) || (self.ending && parent == Pid::INIT);
        let Some(kin) = self.kin.get_mut(&parent) else {
            return;
        };
        match kin.child(pid) {
            Some(child) if !unwanted => {
                child.ended = Some(ended);
                child.report = None;
            }
            Some(_) => {
                kin.lose(pid);
                self.post(pid, Message::Reap { to: pid }, world);
            }
            None => return self.unknown_ended(parent, pid, ended, world),
        }
        world.child(parent, pid, News::Ended(ended));
    }

    /// A process has ended that its parent does not have for a child: one that lives will hear of it, others have ended too.
    fn unknown_ended<W: World>(&mut self, parent: Pid, pid: Pid, ended: Ended, world: &mut W) {
        let ending = self.ending && parent == Pid::INIT;
        let child = Child {
            known: false,
            ended: Some(ended),
            ..Child::new(pid)
        };
        if let Some(kin) = self.kin.get_mut(&parent)
            && kin.life == Life::Live
            && !ending
            && kin.children.put(pid, child).is_ok()
        {
            return;
        }
        self.orphan_ended(parent, pid, ended, world);
    }

    /// A process has ended whose parent is no more.
    pub(super) fn orphan_ended<W: World>(
        &mut self,
        parent: Pid,
        child: Pid,
        ended: Ended,
        world: &mut W,
    ) {
        let (to, message) = if parent == Pid::INIT || self.ending {
            (child, Message::Reap { to: child })
        } else {
            let to = Pid::INIT;
            (to, Message::Exited { to, child, ended })
        };
        self.post(to, message, world);
    }

    /// A child of a process that is here has stopped or goes on.
    pub(super) fn child_changed<W: World>(
        &mut self,
        parent: Pid,
        (pid, number): (Pid, u32),
        (status, uid): (u32, u32),
        world: &mut W,
    ) {
        let child = self.kin.get_mut(&parent).and_then(|kin| kin.child(pid));
        let (Some(child), Some(report)) = (child, Report::from_status(status)) else {
            return;
        };
        if child.ended.is_none() && number > child.changes {
            child.changes = number;
            child.report = Some((report, uid));
            world.child(parent, pid, News::Changed { report, uid });
        }
    }

    /// The end of a process was collected, or nobody wants to: it is gone.
    pub(super) fn remove<W: World>(&mut self, pid: Pid, world: &mut W) {
        let Some(kin) = self.take_out(pid) else {
            return;
        };
        world.gone(pid);
        let (birth, moves) = (pid.birth(), kin.moves);
        if birth == self.torus {
            // It was given here, and its record was here.
            let _ = self.births.reaped(pid, moves);
        } else {
            world.send(birth, Message::Reaped { pid, moves });
        }
    }
}
