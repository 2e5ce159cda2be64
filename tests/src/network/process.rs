//! What programs do, and how they end.

use std::collections::BTreeMap;

use torus::{
    TorusId,
    family::Sent,
    message::Message,
    migrate::{Claim, Event, Resident},
    pid::Pid,
    span::Span,
};
use vm::addr::Page;

use super::{
    Expected, Outcome, World, Wrong,
    memory::{BLOCK, Backing, Entry, Memory, block},
    torus_state::{Object, Process},
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
        let process = Process::new(Resident::new(pid), Memory::new(frame), 0);
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
            Op::Read(_) | Op::Write(_) | Op::Map(_) | Op::MapShared(_) => Ok(()),
            Op::Unmap(first, count) => self.unmap(at, pid, first, count),
            Op::Find(page) => self.find(at, pid, page),
            Op::Fork => self.fork(at, pid),
            Op::Exec => self.exec(at, pid),
            Op::Exit => self.kill(at, pid),
            Op::Migrate(to) if to == at => Ok(()),
            Op::Migrate(to) => self.leave(at, pid, to),
            Op::Drain => self.drain(at, pid),
        }
    }

    /// The address space of a process that runs.
    fn space(&mut self, at: TorusId, pid: Pid) -> Option<&mut Memory> {
        self.process(at, pid)?.memory.as_mut()
    }

    /// Unfolds the block of a page; what was folded there.
    fn unfold(&mut self, at: TorusId, pid: Pid, number: u64) {
        let Some(process) = self.tori[at.index()].processes.get(&pid) else {
            return;
        };
        let folded = process.memory.as_ref().and_then(|m| m.folded.get(&number));
        let claim = folded.and_then(|source| process.resident.claim(*source));
        let Some(claim) = claim else { return };
        let safe = self.tori[claim.home.index()].deposits.get(&claim.deposit);
        let frozen = safe.map(|safe| safe.memory.clone());
        if let (Some(frozen), Some(memory)) = (frozen, self.space(at, pid)) {
            memory.unfold(number, &frozen);
        }
    }

    /// A page that is remote by a claim to a deposit of this torus, and its neighbours, are moved over.
    fn take_back(&mut self, at: TorusId, pid: Pid, page: Page, claim: Claim) {
        let first = block(page) * BLOCK;
        for page in (first..first + BLOCK).map(Page) {
            if self.space(at, pid).and_then(|memory| memory.entry(page))
                == Some(Entry::Remote(claim.source))
            {
                let safe = self.torus(at).deposits.get_mut(&claim.deposit);
                if let Some(entry) = safe.and_then(|safe| safe.memory.table.remove(&page)) {
                    self.set(at, pid, page, entry);
                }
            }
        }
    }

    fn touch(&mut self, at: TorusId, pid: Pid, page: Page, write: bool) -> Outcome {
        self.unfold(at, pid, block(page));
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        let Some(memory) = &process.memory else {
            return Ok(());
        };
        let entry = memory.table.get(&page).copied();
        let source = match (entry, memory.mapped.get(&page).copied()) {
            (Some(Entry::Remote(source)), _) => source,
            (None, Some(Backing::Far(home, number))) => {
                return match self.touch_far(at, pid, page, (home, number))? {
                    true => self.touch(at, pid, page, write),
                    false => Ok(()),
                };
            }
            (None, Some(Backing::Own(number))) => {
                return match self.torus(at).object_frame(number) {
                    Some(frame) => {
                        self.torus(at).frames.share(frame);
                        self.set(at, pid, page, Entry::Shared(frame));
                        self.touch(at, pid, page, write)
                    }
                    None => self.kill(at, pid),
                };
            }
            (Some(entry), _) => return self.touch_present(at, pid, page, entry, write),
            (None, _) => return Err(lost(pid, page)),
        };
        let Some(claim) = process.resident.claim(source) else {
            return Err(Wrong(format!("{page:?} of {pid} leads nowhere")));
        };
        if claim.home == at {
            self.take_back(at, pid, page, claim);
            return self.touch(at, pid, page, write);
        }
        if self.tori[at.index()].frames.is_full() {
            return self.kill(at, pid);
        }
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        process.waits = Some(page);
        self.statistics.faults += 1;
        self.event(at, pid, Event::Fault { page, source })
    }

    fn touch_present(
        &mut self,
        at: TorusId,
        pid: Pid,
        page: Page,
        entry: Entry,
        write: bool,
    ) -> Outcome {
        match entry {
            Entry::Remote(_) => Err(lost(pid, page)),
            Entry::Swapped(slot) => {
                let torus = self.torus(at);
                let word = torus.slots.word(slot).ok_or_else(|| lost(pid, page))?;
                let Some(frame) = torus.frames.allocate(word) else {
                    return self.kill(at, pid);
                };
                torus.slots.free(slot);
                self.set(at, pid, page, Entry::Present(frame));
                self.touch(at, pid, page, write)
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
            Entry::Lent(home, frame) => self.touch_shared(pid, page, home, frame, write),
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

    /// Maps private memory and writes it.
    fn map(&mut self, at: TorusId, pid: Pid, page: Page) -> Outcome {
        self.unfold(at, pid, block(page));
        self.written += 1;
        let word = self.written;
        let Some(frame) = self.torus(at).frames.allocate(word) else {
            return self.kill(at, pid);
        };
        if let Some(memory) = self.space(at, pid) {
            memory.mapped.insert(page, Backing::Private);
        }
        self.expect(pid, page, Expected::Private(word));
        self.set(at, pid, page, Entry::Present(frame));
        Ok(())
    }

    /// Maps shared memory, which nobody has touched.
    fn map_shared(&mut self, at: TorusId, pid: Pid, page: Page) {
        self.written += 1;
        let number = self.objects.len();
        self.objects.push(self.written);
        let object = Object {
            frame: None,
            initial: self.written,
            users: 1,
        };
        self.torus(at).objects.insert(number, object);
        if let Some(memory) = self.space(at, pid) {
            memory.mapped.insert(page, Backing::Own(number));
        }
        self.expect(pid, page, Expected::Shared(number));
    }

    fn unmap(&mut self, at: TorusId, pid: Pid, first: Page, count: u64) -> Outcome {
        let pages = first..first + count;
        for number in [block(pages.start), block(pages.end)] {
            self.unfold(at, pid, number);
        }
        let Some(memory) = self.space(at, pid) else {
            return Ok(());
        };
        let whole = block(pages.start)..block(pages.end);
        memory.folded.retain(|number, _| !whole.contains(number));
        let mut gone = Vec::new();
        let mut left = Vec::new();
        memory.table.retain(|page, entry| {
            let goes = pages.contains(page);
            goes.then(|| gone.push(*entry));
            !goes
        });
        memory.mapped.retain(|page, backing| {
            let goes = pages.contains(page);
            goes.then(|| left.push(*backing));
            !goes
        });
        let torus = self.torus(at);
        gone.into_iter().for_each(|entry| torus.drop_entry(entry));
        left.into_iter().for_each(|backing| torus.leave(backing));
        if let Some(memory) = self.memory.get_mut(&pid) {
            memory.retain(|page, _| !pages.contains(page));
        }
        Ok(())
    }

    /// The host finds the content of a remote page in its own cache.
    fn find(&mut self, at: TorusId, pid: Pid, page: Page) -> Outcome {
        let entry = self
            .space(at, pid)
            .and_then(|m| m.table.get(&page).copied());
        let expected = self.memory.get(&pid).and_then(|memory| memory.get(&page));
        let (Some(Entry::Remote(source)), Some(Expected::Private(word))) = (entry, expected) else {
            return Ok(());
        };
        let word = *word;
        let Some(frame) = self.torus(at).frames.allocate(word) else {
            return Ok(());
        };
        self.set(at, pid, page, Entry::Present(frame));
        let span = Span::one(page);
        self.event(at, pid, Event::Unneeded { source, span })
    }

    /// Pulls something in the background, or gives up claims to which nothing leads.
    fn drain(&mut self, at: TorusId, pid: Pid) -> Outcome {
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        let Some(memory) = &process.memory else {
            return Ok(());
        };
        if let Some(number) = memory.folded.keys().next().copied() {
            self.unfold(at, pid, number);
            return Ok(());
        }
        if let Some((first, source)) = memory.next_away() {
            return match process.resident.claim(source) {
                Some(claim) if claim.home == at => {
                    self.take_back(at, pid, first, claim);
                    Ok(())
                }
                _ => self.event(at, pid, Event::Idle { first, source }),
            };
        }
        let claims = process.resident.claims().to_vec();
        for Claim { source, .. } in claims {
            self.event(at, pid, Event::Swept { source })?;
        }
        Ok(())
    }

    fn fork(&mut self, at: TorusId, parent: Pid) -> Outcome {
        let torus = self.torus(at);
        let memory = torus.processes.get(&parent).and_then(|p| p.memory.clone());
        let Some(memory) = memory.and_then(|memory| torus.share_memory(&memory)) else {
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
        torus
            .processes
            .insert(child, Process::new(resident, memory, 0));
        let memory = self.memory.get(&parent).cloned().unwrap_or_default();
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
        if let Some(memory) = self.space(at, pid) {
            memory.table.insert(page, entry);
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
