//! Is every frame owned exactly once, and every byte right?

use std::collections::BTreeMap;

use torus::{TorusId, pid::Pid};
use vm::addr::Page;

use super::{
    Action, Op, Outcome, World, Wrong,
    torus_state::{Entry, Place, Process, Torus},
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
                if process.frozen.is_none() && !process.ended {
                    self.check_pages(torus, *pid, process)?;
                }
            }
        }
        Ok(())
    }

    fn check_pages(&self, torus: &Torus, pid: Pid, process: &Process) -> Outcome {
        let memory = self.memory.get(&pid).map(BTreeMap::len);
        if memory != Some(process.table.len()) {
            return Err(Wrong(format!(
                "{pid} has {} pages, not {memory:?}",
                process.table.len()
            )));
        }
        let mut counts = BTreeMap::<TorusId, (u64, u64)>::new();
        for (page, entry) in &process.table {
            let word = match *entry {
                Entry::Present(frame) | Entry::Shared(frame) => torus.frames.word(frame),
                Entry::Swapped(slot) => torus.slots.word(slot),
                Entry::Remote(home, _) => {
                    counts.entry(home).or_default().0 += 1;
                    self.word_at_home(process, home, *page)
                }
                Entry::Lease(home, frame) => {
                    counts.entry(home).or_default().1 += 1;
                    self.tori[home.index()].frames.word(frame)
                }
            };
            // The deposit of a child is made only when its home hears of it.
            if process.resident.runs() {
                self.compare(pid, *page, word)?;
            }
        }
        for claim in process.resident.claims() {
            let found = counts.remove(&claim.home).unwrap_or_default();
            if found != (claim.pages, claim.leases) {
                return Err(Wrong(format!("{pid} has {found:?} entries for {claim:?}")));
            }
        }
        if counts.is_empty() {
            Ok(())
        } else {
            Err(Wrong(format!("{pid} has no claim for {counts:?}")))
        }
    }

    /// What a remote page holds at its home.
    fn word_at_home(&self, process: &Process, home: TorusId, page: Page) -> Option<u64> {
        let claim = process.resident.claims().find(|claim| claim.home == home)?;
        let home = &self.tori[home.index()];
        match home.deposits.get(&claim.deposit)?.kept.get(&page)?.place {
            Place::Frame(frame) => home.frames.word(frame),
            Place::Slot(slot) => home.slots.word(slot),
        }
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
                if Some(left) == residual || left == 0 {
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
            let empty = torus.processes.is_empty() && torus.deposits.is_empty();
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

    fn residual(&self) -> u64 {
        let processes = self.tori.iter().flat_map(|torus| torus.processes.values());
        processes.map(|process| process.resident.residual()).sum()
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

/// Counts the owners of the frames and slots of a torus.
fn check_owners(torus: &Torus) -> Outcome {
    let mut frames = BTreeMap::<u64, u32>::new();
    let mut slots = BTreeMap::<u64, u32>::new();
    let mut own = |place| match place {
        Place::Frame(frame) => *frames.entry(frame).or_default() += 1,
        Place::Slot(slot) => *slots.entry(slot).or_default() += 1,
    };
    for process in torus.processes.values() {
        process
            .table_frame
            .map(Place::Frame)
            .into_iter()
            .for_each(&mut own);
        for entry in process.table.values() {
            match *entry {
                Entry::Present(frame) | Entry::Shared(frame) => own(Place::Frame(frame)),
                Entry::Swapped(slot) => own(Place::Slot(slot)),
                Entry::Remote(..) | Entry::Lease(..) => {}
            }
        }
    }
    for (id, safe) in &torus.deposits {
        own(Place::Frame(safe.table_frame));
        safe.kept.values().for_each(|kept| own(kept.place));
        if safe.deposit.pages() != safe.kept.len() as u64 {
            let (pages, kept) = (safe.deposit.pages(), safe.kept.len());
            return Err(Wrong(format!(
                "deposit {id} counts {pages} pages and has {kept}"
            )));
        }
    }
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
