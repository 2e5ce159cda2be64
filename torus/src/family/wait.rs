//! Waiting for children: a look at what the parent's record knows of them.

use super::Message;
use super::{Child, Families, Kin, News, PIECE, World};
use crate::pid::Pid;

/// The children that a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Any child.
    Any,
    /// This one.
    One(Pid),
    /// Any child in this group.
    Group(Pid),
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Ends.
    pub ended: bool,
    /// Stops by a signal.
    pub stopped: bool,
    /// Children that go on.
    pub continued: bool,
    /// The news stays for the next wait.
    pub keep: bool,
}

/// A child with news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which child.
    pub child: Pid,
    /// What happened to it.
    pub news: News,
}

/// There is no such child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such child")]
pub struct NoChild;

impl Families {
    /// One look of a process that is here at its children: the first one that is wanted and has news that are wanted.
    /// An end that is not kept is collected: the child is gone then.
    ///
    /// # Errors
    /// [`NoChild`].
    pub fn wait<W: World>(
        &mut self,
        parent: Pid,
        whom: Whom,
        wanted: Wanted,
        world: &mut W,
    ) -> Result<Option<Found>, NoChild> {
        let kin = self.kin.get_mut(&parent).ok_or(NoChild)?;
        let Some((pid, news)) = kin.news(whom, wanted, world)? else {
            return Ok(None);
        };
        if !wanted.keep {
            if let Some(child) = kin.child(pid) {
                child.report = None;
            }
            if let News::Ended(_) = news {
                kin.lose(pid);
                self.post(pid, Message::Reap { to: pid }, world);
            }
        }
        Ok(Some(Found { child: pid, news }))
    }
}

impl Kin {
    /// The first child that is meant and has news that are wanted.
    fn news<W: World>(
        &self,
        whom: Whom,
        wanted: Wanted,
        world: &mut W,
    ) -> Result<Option<(Pid, News)>, NoChild> {
        if let Whom::One(pid) = whom {
            let child = self.children.get(&pid).filter(|child| child.known);
            let news = child.ok_or(NoChild)?.news(wanted);
            return Ok(news.map(|news| (pid, news)));
        }
        let mut any = false;
        for (round, (pid, child)) in self.children.iter().enumerate() {
            if round % PIECE == PIECE - 1 {
                world.pause();
            }
            let meant = match whom {
                Whom::Group(group) => child.group == group,
                Whom::Any | Whom::One(_) => true,
            };
            if !child.known || !meant {
                continue;
            }
            any = true;
            if let Some(news) = child.news(wanted) {
                return Ok(Some((*pid, news)));
            }
        }
        if any { Ok(None) } else { Err(NoChild) }
    }
}

impl Child {
    fn news(&self, wanted: Wanted) -> Option<News> {
        use super::Report;
        if let Some(ended) = self.ended {
            return wanted.ended.then_some(News::Ended(ended));
        }
        let (report, uid) = self.report?;
        let wants = match report {
            Report::Stopped(_) => wanted.stopped,
            Report::Continued => wanted.continued,
        };
        wants.then_some(News::Changed { report, uid })
    }
}
