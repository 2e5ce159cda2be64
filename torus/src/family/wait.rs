//! Waiting for children: a look at what the parent's record knows of them.

use super::{Child, Families, News, World};
use crate::{message::Message, pid::Pid};

/// Whom to wait for.
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
    /// That a child goes on.
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
        let mut children = kin
            .children
            .iter_mut()
            .filter(|child| child.known && child.is(whom))
            .peekable();
        children.peek().ok_or(NoChild)?;
        let found = children.find_map(|child| Some((child.news(wanted)?, child)));
        let Some((news, child)) = found else {
            return Ok(None);
        };
        let pid = child.pid;
        if !wanted.keep {
            child.report = None;
            if child.ended.is_some() {
                kin.children.retain(|child| child.pid != pid);
                self.post(pid, Message::Reap { to: pid }, world);
            }
        }
        Ok(Some(Found { child: pid, news }))
    }
}

impl Child {
    fn is(&self, whom: Whom) -> bool {
        match whom {
            Whom::Any => true,
            Whom::One(pid) => self.pid == pid,
            Whom::Group(group) => self.group == group,
        }
    }

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
