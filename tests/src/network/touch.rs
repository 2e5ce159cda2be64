//! What programs see in their pages, compared with what they must see.

use torus::{TorusId, migrate::Event, pid::Pid};
use vm::addr::Page;

use super::{
    Expected, Outcome, World, Wrong,
    memory::{Backing, Entry, block},
};

impl World {
    pub(super) fn touch(&mut self, at: TorusId, pid: Pid, page: Page, write: bool) -> Outcome {
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

    pub(super) fn set(&mut self, at: TorusId, pid: Pid, page: Page, entry: Entry) {
        if let Some(memory) = self.space(at, pid) {
            memory.table.insert(page, entry);
        }
    }

    pub(super) fn expect(&mut self, pid: Pid, page: Page, expected: Expected) {
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
