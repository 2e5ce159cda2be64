//! What programs do, and how they end.

use std::collections::BTreeMap;

use torus::{
    TorusId,
    family::Message,
    family::Sent,
    migrate::{Effects, Event, PullMachine},
    pid::Pid,
};
use vm::addr::Page;

use super::{
    Outcome, World, Wrong,
    memory::{Memory, block},
    torus_state::Process,
};

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Reads a page.
    Read(Page),
    /// Writes a page.
    Write(Page),
    /// Maps a page that it did not have, and writes it.
    Map(Page),
    /// Maps a page that it will share with its children, and does not touch it.
    MapShared(Page),
    /// Unmaps the pages from the first on, so many.
    Unmap(Page, u64),
    /// Has children not get a page, or get it again.
    LeaveOut(Page),
    /// Forks.
    Fork,
    /// Becomes another program, with no pages.
    Exec,
    /// Exits.
    Exit,
    /// Asks to migrate.
    Migrate(TorusId),
    /// The host pulls something in the background.
    Drain,
}

/// What kills a process.
pub(super) const SIGKILL: Sent = Sent {
    signal: 9,
    code: 0,
    from: None,
    uid: 0,
    euid: 0,
    session: None,
};

impl World {
    /// A new process without pages on `at`; `None` if there is no memory for its table.
    ///
    /// # Errors
    /// Never in practice: there are more process ids than frames.
    pub fn spawn(&mut self, at: TorusId) -> Result<Option<Pid>, Wrong> {
        let torus = self.torus(at);
        let Some(frame) = torus.frames.allocate(0) else {
            return Ok(None);
        };
        let pid = torus.births.give()?;
        let process = Process::new(PullMachine::new(pid), Memory::new(frame), 0);
        torus.processes.insert(pid, process);
        self.memory.insert(pid, BTreeMap::new());
        Ok(Some(pid))
    }

    /// Lets the program do something, if it can run.
    pub(super) fn op(&mut self, at: TorusId, pid: Pid, op: Op) -> Outcome {
        let Some(process) = self.process(at, pid).filter(|process| process.runs()) else {
            return Ok(());
        };
        let mapped = |page| {
            let memory = process.memory.as_ref();
            memory.is_some_and(|memory| memory.mapped.contains_key(&page))
        };
        match op {
            Op::Read(page) | Op::Write(page) if mapped(page) => {
                self.touch(at, pid, page, matches!(op, Op::Write(_)))
            }
            Op::Map(page) if !mapped(page) => self.map(at, pid, page),
            Op::MapShared(page) if !mapped(page) => {
                self.map_shared(at, pid, page);
                Ok(())
            }
            Op::LeaveOut(page) if mapped(page) => {
                self.leave_out(at, pid, page);
                Ok(())
            }
            Op::LeaveOut(_) | Op::Read(_) | Op::Write(_) | Op::Map(_) | Op::MapShared(_) => Ok(()),
            Op::Unmap(first, count) => self.unmap(at, pid, first, count),
            Op::Fork => self.fork(at, pid),
            Op::Exec => self.exec(at, pid),
            Op::Exit => self.kill(at, pid),
            Op::Migrate(to) if to == at => Ok(()),
            Op::Migrate(to) => self.leave(at, pid, to),
            Op::Drain => self.drain(at, pid),
        }
    }

    /// The address space of a process that runs.
    pub(super) fn space(&mut self, at: TorusId, pid: Pid) -> Option<&mut Memory> {
        self.process(at, pid)?.memory.as_mut()
    }

    fn fork(&mut self, at: TorusId, parent: Pid) -> Outcome {
        let left_out = self.space(at, parent).map(|memory| memory.left_out.clone());
        let left_out = left_out.unwrap_or_default();
        // A folded entry is copied as a whole.
        for page in &left_out {
            self.unfold(at, parent, block(*page));
        }
        let torus = self.torus(at);
        let memory = torus.processes.get(&parent).and_then(|p| p.memory.clone());
        let Some(mut memory) = memory.and_then(|memory| torus.share_memory(&memory)) else {
            return Ok(());
        };
        for page in &left_out {
            let (entry, backing) = (memory.table.remove(page), memory.mapped.remove(page));
            entry.into_iter().for_each(|entry| torus.drop_entry(entry));
            backing.into_iter().for_each(|backing| torus.leave(backing));
        }
        memory.left_out.clear();
        let child = torus.births.give()?;
        let Some(process) = torus.processes.get_mut(&parent) else {
            return Ok(());
        };
        let mut effects = Effects::new();
        let resident =
            process
                .resident
                .fork(child, || torus.names.give(), |_| Ok(()), &mut effects)?;
        torus
            .processes
            .insert(child, Process::new(resident, memory, 0));
        let mut memory = self.memory.get(&parent).cloned().unwrap_or_default();
        memory.retain(|page, _| !left_out.contains(page));
        self.memory.insert(child, memory);
        self.statistics.forks += 1;
        self.execute(at, parent, effects)
    }

    /// Another program, with no pages.
    fn exec(&mut self, at: TorusId, pid: Pid) -> Outcome {
        let Some(frame) = self.torus(at).frames.allocate(0) else {
            return Ok(());
        };
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        let old = process.memory.replace(Memory::new(frame));
        if let Some(old) = old {
            self.torus(at).drop_memory(old);
        }
        self.memory.insert(pid, BTreeMap::new());
        self.event(at, pid, Event::Exec)
    }

    /// Ends a process that is on `at`, or holds the signal while it is frozen.
    pub(super) fn kill(&mut self, at: TorusId, pid: Pid) -> Outcome {
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        if process.frozen.is_some() {
            process.held = true;
            return Ok(());
        }
        if process.memory.is_none() {
            return Ok(());
        }
        self.tear_down(at, pid);
        self.statistics.ends += 1;
        self.event(at, pid, Event::Exit)
    }

    /// Gives back what an ended process has on its host.
    pub(super) fn tear_down(&mut self, at: TorusId, pid: Pid) {
        self.memory.remove(&pid);
        let Some(process) = self.process(at, pid) else {
            return;
        };
        process.waits = None;
        if let Some(memory) = process.memory.take() {
            self.torus(at).drop_memory(memory);
        }
    }

    /// SIGKILL goes to the birth torus of the process first.
    pub(super) fn send_kill(&mut self, from: TorusId, pid: Pid) {
        let signal = Message::Signal {
            to: pid,
            token: 0,
            sent: SIGKILL,
            carried: SIGKILL.carried(),
        };
        self.send(from, pid.birth(), signal);
    }

    /// A signal has come to `at`: for a process here, or to be sent on.
    pub(super) fn signal(&mut self, at: TorusId, to: Pid, message: Message) -> Outcome {
        if self.process(at, to).is_some() {
            return self.kill(at, to);
        }
        if at != to.birth() {
            self.send(at, to.birth(), message);
        } else if let Ok(place) = self.torus(at).births.find(to)
            && place.torus != at
        {
            self.send(at, place.torus, message);
        } else if self.torus(at).births.find(to).is_ok() {
            // It has just left, and the news has not come: ask again later.
            self.send(at, at, message);
        }
        Ok(())
    }
}
