//! Is every frame owned exactly once, and every byte right?

use std::collections::BTreeMap;

use torus::{TorusId, pid::Pid};
use vm::{addr::Page, table::Source};

use super::{
    Action, Op, Outcome, World, Wrong,
    memory::{Backing, Entry, Memory, block},
    torus_state::{Place, Process, Torus},
};

/// Deliveries after which a world that is left alone must be quiet.
const PATIENCE: usize = 100_000;

impl World {
    /// Compares every page of every process that is not frozen, and counts the owners of every frame, slot and
    /// deposited page.
    ///
    /// # Errors
    /// [`Wrong`] with the first difference.
    pub fn check(&self) -> Outcome {
        for torus in &self.tori {
            check_owners(torus)?;
            for (pid, process) in &torus.processes {
                if process.frozen.is_none() {
                    self.check_pages(torus, *pid, process)?;
                }
            }
        }
        Ok(())
    }

    fn check_pages(&self, torus: &Torus, pid: Pid, process: &Process) -> Outcome {
        let Some(memory) = &process.memory else {
            return Ok(());
        };
        let known = self.memory.get(&pid);
        if !known.is_some_and(|known| known.keys().eq(memory.mapped.keys())) {
            return Err(Wrong(format!("{pid} has mapped {:?}", memory.mapped)));
        }
        let strays = memory
            .table
            .keys()
            .filter(|p| !memory.mapped.contains_key(p));
        if let Some(page) = strays.into_iter().next() {
            return Err(Wrong(format!("{pid} has an entry for {page:?}")));
        }
        // The deposit of a child is made only when its home hears of it.
        if process.resident.runs() {
            for page in memory.mapped.keys() {
                self.compare(pid, *page, self.word(torus, process, memory, *page))?;
            }
        }
        Ok(())
    }

    /// What a page holds, wherever it is.
    fn word(&self, torus: &Torus, process: &Process, memory: &Memory, page: Page) -> Option<u64> {
        let folded = memory.folded.contains_key(&block(page));
        match (memory.entry(page), memory.mapped.get(&page)?) {
            (Some(Entry::Present(frame)), Backing::Private) => torus.frames.word(frame),
            (Some(Entry::Swapped(slot)), Backing::Private) => torus.slots.word(slot),
            (Some(Entry::Remote(source)), Backing::Private) => {
                let (home, frozen) = self.deposit(process, source)?;
                match frozen.table.get(&page)? {
                    Entry::Present(frame) => home.frames.word(*frame),
                    Entry::Swapped(slot) => home.slots.word(*slot),
                    // Folded: the deposit's entry is the one that counts.
                    Entry::Remote(further) if folded => {
                        let (home, frozen) = self.deposit(process, *further)?;
                        match frozen.table.get(&page)? {
                            Entry::Present(frame) => home.frames.word(*frame),
                            Entry::Swapped(slot) => home.slots.word(*slot),
                            _ => None,
                        }
                    }
                    _ => None,
                }
            }
            (Some(Entry::Shared(frame)), Backing::Own(number)) => {
                let object = torus.objects.get(number)?;
                object.frame.filter(|known| *known == frame)?;
                torus.frames.word(frame)
            }
            (None, Backing::Own(number)) => object_word(torus, *number),
            // Folded: pages of objects have no entries there.
            (Some(Entry::Remote(_)), Backing::Own(number)) if folded => object_word(torus, *number),
            (Some(Entry::Lent(at, frame)), Backing::Far(home, number)) if at == *home => {
                let home = &self.tori[home.index()];
                let object = home.objects.get(home.lender.object(*number)?)?;
                object.frame.filter(|known| *known == frame)?;
                home.frames.word(frame)
            }
            (entry, Backing::Far(home, number)) if folded || entry.is_none() => {
                let home = &self.tori[home.index()];
                object_word(home, *home.lender.object(*number)?)
            }
            _ => None,
        }
    }

    /// The deposit of a claim, and its torus.
    fn deposit(&self, process: &Process, source: Source) -> Option<(&Torus, &Memory)> {
        let claim = process.resident.claim(source)?;
        let home = &self.tori[claim.home.index()];
        Some((home, &home.deposits.get(&claim.deposit)?.memory))
    }

    /// Delivers everything and drains every residual set, as a world does that is left alone.
    ///
    /// # Errors
    /// [`Wrong`] if a process waits forever, or the world never comes to rest.
    pub fn settle(&mut self) -> Outcome {
        let mut residual = None;
        let mut last = None;
        for _ in 0..PATIENCE {
            // In turn: a signal may go to and fro until the news of a move arrives on another wire.
            let mut later = self.wires.keys().filter(|wire| Some(**wire) > last);
            let wire = later.next().or(self.wires.keys().next()).copied();
            last = wire;
            let reading = self
                .tori
                .iter()
                .find(|torus| !torus.reads.is_empty())
                .map(|torus| torus.id);
            if let Some((from, to)) = wire {
                self.apply(Action::Deliver { from, to })?;
            } else if let Some(at) = reading {
                self.apply(Action::ReadDone {
                    at,
                    index: 0,
                    good: true,
                })?;
            } else {
                let left = self.residual();
                if Some(left) == residual || left == (0, 0, 0) {
                    return self.check_rest();
                }
                residual = Some(left);
                for (at, pid) in self.running() {
                    self.apply(Action::Op {
                        at,
                        pid,
                        op: Op::Drain,
                    })?;
                }
            }
        }
        Err(Wrong("the world never comes to rest".into()))
    }

    /// Kills every process, settles, and looks whether everything was given back.
    ///
    /// # Errors
    /// [`Wrong`] with what is left.
    pub fn finish(&mut self) -> Outcome {
        for pid in self.memory.keys().copied().collect::<Vec<_>>() {
            self.apply(Action::Kill {
                from: TorusId::default(),
                pid,
            })?;
        }
        self.settle()?;
        for torus in &self.tori {
            let left = (torus.frames.owned(), torus.slots.owned());
            if !(left.0.is_empty() && left.1.is_empty()) {
                return Err(Wrong(format!("torus {} is left with {left:?}", torus.id)));
            }
            let empty =
                torus.processes.is_empty() && torus.deposits.is_empty() && torus.objects.is_empty();
            let empty = empty && torus.lender.is_empty() && torus.leases.is_empty();
            if !(empty && torus.images.is_empty() && torus.births.is_empty()) {
                return Err(Wrong(format!(
                    "torus {} is left with something: {torus:?}",
                    torus.id
                )));
            }
        }
        Ok(())
    }

    /// Processes that can do something, and where.
    pub fn running(&self) -> Vec<(TorusId, Pid)> {
        let all = self
            .tori
            .iter()
            .flat_map(|torus| torus.processes.iter().map(|p| (torus.id, p)));
        all.filter(|(_, (_, process))| process.runs())
            .map(|(at, (pid, _))| (at, *pid))
            .collect()
    }

    /// How much is still to be unfolded, pulled and given up.
    fn residual(&self) -> (usize, usize, usize) {
        let mut sum = (0, 0, 0);
        for process in self.tori.iter().flat_map(|torus| torus.processes.values()) {
            let memory = process.memory.iter();
            for memory in memory {
                let entries = memory.table.values();
                sum.0 += memory.folded.len();
                sum.1 += entries.filter(|e| matches!(e, Entry::Remote(_))).count();
            }
            sum.2 += process.resident.claims().len();
        }
        sum
    }

    /// When nothing is under way every process must be able to run.
    fn check_rest(&self) -> Outcome {
        for torus in &self.tori {
            for (pid, process) in &torus.processes {
                if !process.runs() {
                    return Err(Wrong(format!(
                        "{pid} waits forever on {}: {process:?}",
                        torus.id
                    )));
                }
            }
        }
        self.check()
    }
}

/// What an object holds.
fn object_word(torus: &Torus, number: usize) -> Option<u64> {
    let object = torus.objects.get(&number)?;
    match object.frame {
        Some(frame) => torus.frames.word(frame),
        None => Some(object.initial),
    }
}

/// Counts the owners of the frames and slots of a torus.
fn check_owners(torus: &Torus) -> Outcome {
    let mut frames = BTreeMap::<u64, u32>::new();
    let mut slots = BTreeMap::<u64, u32>::new();
    let mut own = |place| match place {
        Place::Frame(frame) => *frames.entry(frame).or_default() += 1,
        Place::Slot(slot) => *slots.entry(slot).or_default() += 1,
    };
    let live = torus.processes.values().filter_map(|p| p.memory.as_ref());
    let frozen = torus.deposits.values().map(|safe| &safe.memory);
    for memory in live.chain(frozen) {
        own(Place::Frame(memory.table_frame));
        for entry in memory.table.values() {
            match *entry {
                Entry::Present(frame) | Entry::Shared(frame) => own(Place::Frame(frame)),
                Entry::Swapped(slot) => own(Place::Slot(slot)),
                Entry::Remote(_) | Entry::Lent(..) => {}
            }
        }
    }
    let objects = torus.objects.values();
    objects
        .filter_map(|object| object.frame)
        .for_each(|frame| own(Place::Frame(frame)));
    let lent = torus.lender.pages();
    lent.for_each(|frame| own(Place::Frame(*frame)));
    if frames != torus.frames.owned() || slots != torus.slots.owned() {
        let owned = (torus.frames.owned(), torus.slots.owned());
        return Err(Wrong(format!(
            "torus {}: {:?} are used, {owned:?} owned",
            torus.id,
            (frames, slots)
        )));
    }
    Ok(())
}
