//! Memory that programs map, and unmap.

use torus::{TorusId, pid::Pid};
use vm::addr::Page;

use super::{
    Expected, Outcome, World,
    memory::{Backing, Entry, block},
    torus_state::Object,
};

impl World {
    /// Maps private memory and writes it.
    pub(super) fn map(&mut self, at: TorusId, pid: Pid, page: Page) -> Outcome {
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
    pub(super) fn map_shared(&mut self, at: TorusId, pid: Pid, page: Page) {
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

    /// Has children not get a page, or get it again.
    pub(super) fn leave_out(&mut self, at: TorusId, pid: Pid, page: Page) {
        if let Some(memory) = self.space(at, pid)
            && !memory.left_out.remove(&page)
        {
            memory.left_out.insert(page);
        }
    }

    pub(super) fn unmap(&mut self, at: TorusId, pid: Pid, first: Page, count: u64) -> Outcome {
        let pages = first..first + count;
        for number in [block(pages.start), block(pages.end)] {
            self.unfold(at, pid, number);
        }
        let Some(memory) = self.space(at, pid) else {
            return Ok(());
        };
        let whole = block(pages.start)..block(pages.end);
        memory.folded.retain(|number, _| !whole.contains(number));
        memory.left_out.retain(|page| !pages.contains(page));
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
}
