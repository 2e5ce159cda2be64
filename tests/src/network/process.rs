//! What programs do, and how they end.

use std::{collections::BTreeMap, mem};

use torus::{
    TorusId,
    family::Sent,
    message::Message,
    migrate::{Event, Resident},
    pid::Pid,
    span::Span,
};
use vm::addr::Page;

use super::{
    Expected, Outcome, World, Wrong,
    torus_state::{Entry, Place, Process},
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
    /// Maps a page that it will share with its children, and writes it.
    MapShared(Page),
    /// Unmaps the pages from the first on, so many.
    Unmap(Page, u64),
    /// The host finds the content of a remote page in its own cache.
    Find(Page),
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
        torus
            .processes
            .insert(pid, Process::new(Resident::new(pid), frame, 0));
        self.memory.insert(pid, BTreeMap::new());
        Ok(Some(pid))
    }

    /// Lets the program do something, if it can run.
    pub(super) fn op(&mut self, at: TorusId, pid: Pid, op: Op) -> Outcome {
        let Some(process) = self.process(at, pid).filter(|process| process.runs()) else {
            return Ok(());
        };
        let entry = |page| process.table.get(&page).copied();
        match op {
            Op::Read(page) | Op::Write(page) => match entry(page) {
                Some(entry) => self.touch(at, pid, page, entry, matches!(op, Op::Write(_))),
                None => Ok(()),
            },
            Op::Map(page) | Op::MapShared(page) => match entry(page) {
                None => self.map(at, pid, page, matches!(op, Op::MapShared(_))),
                Some(_) => Ok(()),
            },
            Op::Unmap(first, count) => self.unmap(at, pid, first, count),
            Op::Find(page) => match entry(page) {
                Some(Entry::Remote(home, _)) => self.find(at, pid, page, home),
                _ => Ok(()),
            },
            Op::Fork => self.fork(at, pid),
            Op::Exec => {
                self.drop_table(at, pid, false);
                self.memory.insert(pid, BTreeMap::new());
                self.event(at, pid, Event::Exec)
            }
            Op::Exit => self.kill(at, pid),
            Op::Migrate(to) if to == at => Ok(()),
            Op::Migrate(to) => self.leave(at, pid, to),
            Op::Drain => {
                let mut entries = process.table.iter();
                let remote = entries.find_map(|(page, entry)| match entry {
                    Entry::Remote(home, _) => Some((*page, *home)),
                    _ => None,
                });
                match remote {
                    Some((first, home)) => self.event(at, pid, Event::Idle { first, home }),
                    None => Ok(()),
                }
            }
        }
    }

    fn touch(&mut self, at: TorusId, pid: Pid, page: Page, entry: Entry, write: bool) -> Outcome {
        match entry {
            Entry::Remote(home, _) => {
                if let Some(process) = self.process(at, pid) {
                    process.waits = Some(page);
                }
                self.statistics.faults += 1;
                self.event(at, pid, Event::Fault { page, home })
            }
            Entry::Swapped(slot) => {
                let torus = self.torus(at);
                let word = torus.slots.word(slot).ok_or_else(|| lost(pid, page))?;
                let Some(frame) = torus.frames.allocate(word) else {
                    return self.kill(at, pid);
                };
                torus.slots.free(slot);
                self.set(at, pid, page, Entry::Present(frame));
                self.touch(at, pid, page, Entry::Present(frame), write)
            }
            Entry::Present(frame) => {
                self.compare(pid, page, self.tori[at.index()].frames.word(frame))?;
                if write {
                    self.write_private(at, pid, page, frame)
                } else {
                    Ok(())
                }
            }
            Entry::Shared(frame) => self.touch_shared(pid, page, at, frame, write),
            Entry::Lease(home, frame) => self.touch_shared(pid, page, home, frame, write),
        }
    }

    fn write_private(&mut self, at: TorusId, pid: Pid, page: Page, frame: u64) -> Outcome {
        self.written += 1;
        let word = self.written;
        let torus = self.torus(at);
        if torus.frames.owners(frame) > 1 {
            let Some(copy) = torus.frames.allocate(word) else {
                return self.kill(at, pid);
            };
            torus.frames.free(frame);
            self.set(at, pid, page, Entry::Present(copy));
        } else {
            torus.frames.write(frame, word);
        }
        self.expect(pid, page, Expected::Private(word));
        Ok(())
    }

    fn touch_shared(
        &mut self,
        pid: Pid,
        page: Page,
        home: TorusId,
        frame: u64,
        write: bool,
    ) -> Outcome {
        self.compare(pid, page, self.tori[home.index()].frames.word(frame))?;
        let expected = self.memory.get(&pid).and_then(|memory| memory.get(&page));
        if let (true, Some(Expected::Shared(object))) = (write, expected) {
            self.written += 1;
            self.objects[*object] = self.written;
            let word = self.written;
            self.torus(home).frames.write(frame, word);
        }
        Ok(())
    }

    fn map(&mut self, at: TorusId, pid: Pid, page: Page, shared: bool) -> Outcome {
        self.written += 1;
        let word = self.written;
        let Some(frame) = self.torus(at).frames.allocate(word) else {
            return self.kill(at, pid);
        };
        if shared {
            self.objects.push(word);
            self.expect(pid, page, Expected::Shared(self.objects.len() - 1));
            self.set(at, pid, page, Entry::Shared(frame));
        } else {
            self.expect(pid, page, Expected::Private(word));
            self.set(at, pid, page, Entry::Present(frame));
        }
        Ok(())
    }

    fn unmap(&mut self, at: TorusId, pid: Pid, first: Page, count: u64) -> Outcome {
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        let pages = first..first + count.min(Span::PAGES);
        let entries: Vec<_> = process
            .table
            .range(pages.clone())
            .map(|(page, entry)| (*page, *entry))
            .collect();
        process.table.retain(|page, _| !pages.contains(page));
        let mut given_up = BTreeMap::<(TorusId, bool), Span>::new();
        for (page, entry) in entries {
            if let Some(memory) = self.memory.get_mut(&pid) {
                memory.remove(&page);
            }
            let of_home = match entry {
                Entry::Remote(home, _) => (home, false),
                Entry::Lease(home, _) => (home, true),
                _ => {
                    self.drop_entry(at, entry);
                    continue;
                }
            };
            given_up
                .entry(of_home)
                .or_insert(Span { first, mask: 0 })
                .mask |= Span { first, mask: 0 }.bit(page);
        }
        for ((home, leases), span) in given_up {
            self.event(at, pid, Event::Unneeded { home, span, leases })?;
        }
        Ok(())
    }

    fn find(&mut self, at: TorusId, pid: Pid, page: Page, home: TorusId) -> Outcome {
        let Some(Expected::Private(word)) =
            self.memory.get(&pid).and_then(|memory| memory.get(&page))
        else {
            return Err(lost(pid, page));
        };
        let word = *word;
        let Some(frame) = self.torus(at).frames.allocate(word) else {
            return Ok(());
        };
        self.set(at, pid, page, Entry::Present(frame));
        self.event(
            at,
            pid,
            Event::Unneeded {
                home,
                span: Span::one(page),
                leases: false,
            },
        )
    }

    fn fork(&mut self, at: TorusId, parent: Pid) -> Outcome {
        let torus = self.torus(at);
        let Some(table_frame) = torus.frames.allocate(0) else {
            return Ok(());
        };
        let child = torus.births.give()?;
        let Some(process) = torus.processes.get_mut(&parent) else {
            return Ok(());
        };
        let mut effects = Vec::new();
        let resident = process
            .resident
            .fork(child, &mut torus.names, &mut effects)?;
        let mut born = Process::new(resident, table_frame, 0);
        born.table = process.table.clone();
        for entry in born.table.values() {
            match *entry {
                Entry::Present(frame) | Entry::Shared(frame) => torus.frames.share(frame),
                Entry::Swapped(slot) => torus.slots.share(slot),
                Entry::Remote(..) | Entry::Lease(..) => {}
            }
        }
        torus.processes.insert(child, born);
        let memory = self.memory.get(&parent).cloned().unwrap_or_default();
        self.memory.insert(child, memory);
        self.statistics.forks += 1;
        self.execute(at, parent, effects)
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
        if process.ended {
            return Ok(());
        }
        self.tear_down(at, pid);
        self.statistics.ends += 1;
        self.event(at, pid, Event::Exit)
    }

    /// Gives back what an ended process has on its host.
    pub(super) fn tear_down(&mut self, at: TorusId, pid: Pid) {
        self.drop_table(at, pid, true);
        self.memory.remove(&pid);
        if let Some(process) = self.process(at, pid) {
            process.ended = true;
            process.waits = None;
        }
    }

    fn drop_table(&mut self, at: TorusId, pid: Pid, ends: bool) {
        let Some(process) = self.process(at, pid) else {
            return;
        };
        let table = mem::take(&mut process.table);
        let frame = if ends {
            process.table_frame.take()
        } else {
            None
        };
        for entry in table.into_values() {
            self.drop_entry(at, entry);
        }
        if let Some(frame) = frame {
            self.torus(at).frames.free(frame);
        }
    }

    /// Gives back what an entry owns on its host.
    fn drop_entry(&mut self, at: TorusId, entry: Entry) {
        match entry {
            Entry::Present(frame) | Entry::Shared(frame) => {
                self.torus(at).free(Place::Frame(frame))
            }
            Entry::Swapped(slot) => self.torus(at).free(Place::Slot(slot)),
            Entry::Remote(..) | Entry::Lease(..) => {}
        }
    }

    /// SIGKILL goes to the birth torus of the process first.
    pub(super) fn send_kill(&mut self, from: TorusId, pid: Pid) {
        let signal = Message::Signal {
            to: pid,
            token: 0,
            sent: SIGKILL,
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

    pub(super) fn set(&mut self, at: TorusId, pid: Pid, page: Page, entry: Entry) {
        if let Some(process) = self.process(at, pid) {
            process.table.insert(page, entry);
        }
    }

    fn expect(&mut self, pid: Pid, page: Page, expected: Expected) {
        self.memory.entry(pid).or_default().insert(page, expected);
    }

    /// Compares what a page holds with what it must hold.
    pub(super) fn compare(&self, pid: Pid, page: Page, found: Option<u64>) -> Outcome {
        let expected = match self.memory.get(&pid).and_then(|memory| memory.get(&page)) {
            Some(Expected::Private(word)) => Some(*word),
            Some(Expected::Shared(object)) => Some(self.objects[*object]),
            None => None,
        };
        if expected.is_some() && expected == found {
            return Ok(());
        }
        Err(Wrong(format!(
            "{page:?} of {pid} holds {found:x?} instead of {expected:x?}"
        )))
    }
}

fn lost(pid: Pid, page: Page) -> Wrong {
    Wrong(format!("{page:?} of {pid} is nowhere"))
}
