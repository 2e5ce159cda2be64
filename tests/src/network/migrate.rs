//! Executes the effects of processes' machines, as the kernel of a host does.

use std::{collections::BTreeSet, mem};

use torus::{
    DepositId, TorusId, family,
    migrate::{
        Claim, Copies, Deposit, Effect, Effects, Event, Message, MigrateError, PullMachine, Refusal,
    },
    pid::{Pid, Whereabouts},
    span::Span,
};
use vm::addr::Frame;

use super::{
    Outcome, World, Wrong,
    memory::{Backing, Entry, Memory, Nothing},
    process::SIGKILL,
    torus_state::{Image, Process, Safe},
};

/// Steps the machine of a process.
fn step(process: &mut Process, event: Event, effects: &mut Effects) -> Result<(), MigrateError> {
    match &process.memory {
        Some(memory) => process.resident.step(event, memory, effects),
        None => process.resident.step(event, &Nothing, effects),
    }
}

impl World {
    /// Steps the machine of a process, and executes what it wants.
    pub(super) fn event(&mut self, at: TorusId, pid: Pid, event: Event) -> Outcome {
        let Some(process) = self.process(at, pid) else {
            return Err(Wrong(format!(
                "torus {at} has no process {pid} for {event:?}"
            )));
        };
        let mut effects = Effects::new();
        step(process, event, &mut effects)?;
        self.execute(at, pid, effects)
    }

    /// Asks a process to leave; that it is busy is an answer to the program, not a fault.
    pub(super) fn leave(&mut self, at: TorusId, pid: Pid, to: TorusId) -> Outcome {
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        let mut effects = Effects::new();
        match step(process, Event::Leave { to }, &mut effects) {
            Err(MigrateError::Busy(_)) => Ok(()),
            answer => answer
                .map_err(Wrong::from)
                .and_then(|()| self.execute(at, pid, effects)),
        }
    }

    pub(super) fn execute(&mut self, at: TorusId, pid: Pid, effects: Effects) -> Outcome {
        for effect in effects {
            match effect {
                Effect::Send { to, message } => self.send(at, to, message),
                Effect::Copy { deposit, span, .. } => self.copy(at, pid, deposit, span)?,
                Effect::Wake(span) => {
                    if let Some(process) = self.process(at, pid) {
                        process.waits = process.waits.filter(|page| !span.contains(*page));
                    }
                }
                Effect::Depart { to } => self.departing.push((at, pid, to)),
                Effect::Resume(_) => self.resume(at, pid)?,
                Effect::Forward { to } => {
                    if self.process(at, pid).is_some_and(|process| process.held) {
                        let signal = family::Message::Signal {
                            to: pid,
                            token: 0,
                            sent: SIGKILL,
                            carried: SIGKILL.carried(),
                        };
                        self.send(at, to, signal);
                    }
                }
                Effect::Forget => self.forget(at, pid),
                Effect::Start => {}
                Effect::Abort => {
                    self.statistics.failed_forks += 1;
                    self.tear_down(at, pid);
                }
                Effect::Kill => {
                    self.statistics.kills += 1;
                    self.doomed.push((at, pid));
                }
                Effect::Over => {
                    if let Some(process) = self.torus(at).processes.remove(&pid) {
                        let moves = process.moves;
                        self.send(at, pid.birth(), family::Message::Reaped { pid, moves });
                    }
                }
            }
        }
        Ok(())
    }

    /// Copies granted pages into own frames as far as there are any.
    fn copy(&mut self, at: TorusId, pid: Pid, deposit: DepositId, span: Span) -> Outcome {
        let mut copies = Copies::new(deposit, span);
        let Some(claim) = self
            .process(at, pid)
            .and_then(|process| process.resident.claim_to(deposit))
        else {
            return Err(Wrong(format!(
                "{pid} copies from {deposit} without a claim"
            )));
        };
        for page in span.pages() {
            let memory = self.process(at, pid).and_then(|p| p.memory.as_mut());
            let Some(memory) = memory else {
                return Err(Wrong(format!("{pid} copies without memory")));
            };
            if memory.entry(page) != Some(Entry::Remote(claim.source)) {
                copies.came(page);
                continue;
            }
            let home = &self.tori[claim.home.index()];
            let safe = home.deposits.get(&deposit);
            let granted = safe.filter(|safe| safe.pinned.contains(&page));
            let frame = match granted.and_then(|safe| safe.memory.table.get(&page)) {
                Some(Entry::Present(frame)) => *frame,
                other => return Err(Wrong(format!("{page:?} of {pid} is copied, but {other:?}"))),
            };
            let word = home.frames.word(frame);
            self.compare(pid, page, word)?;
            if let Some(frame) = word.and_then(|word| self.torus(at).frames.allocate(word)) {
                self.set(at, pid, page, Entry::Present(frame));
                copies.came(page);
                self.statistics.copied += 1;
            }
        }
        for event in copies.events() {
            self.event(at, pid, event)?;
        }
        Ok(())
    }

    /// Freezes a process: its address space becomes a deposit.
    pub(super) fn depart(&mut self, at: TorusId, pid: Pid, to: TorusId) -> Outcome {
        let torus = self.torus(at);
        let Some(process) = torus.processes.get_mut(&pid) else {
            return Err(Wrong(format!("{pid} departs, but is not here")));
        };
        process.waits = None;
        let Some(memory) = process.memory.take() else {
            return Err(Wrong(format!("{pid} departs without memory")));
        };
        let (deposit, source) = (torus.names.give(), process.resident.free_source());
        let mut claims = process.resident.claims().to_vec();
        let home = at;
        claims.push(Claim {
            source,
            home,
            deposit,
        });
        let mut mapped = memory.mapped.clone();
        let left_out = memory.left_out.clone();
        let last = torus.images.last_key_value();
        let number = last.map_or(Frame(0), |(number, _)| *number + 1);
        process.frozen = Some(number);
        let moves = process.moves;
        let safe = Safe {
            deposit: Deposit::new(deposit),
            memory,
            pinned: BTreeSet::new(),
        };
        torus.deposits.insert(deposit, safe);
        for backing in mapped.values_mut() {
            *backing = self.take(at, to, *backing)?;
        }
        let image = Image {
            claims,
            source,
            to,
            mapped,
            left_out,
            moves,
        };
        self.torus(at).images.insert(number, image);
        let image = number;
        self.send(at, to, Message::Offer { pid, image });
        Ok(())
    }

    /// Takes a process over, or refuses it.
    pub(super) fn adopt(&mut self, at: TorusId, from: TorusId, pid: Pid, image: Frame) -> Outcome {
        let Some(image) = self.tori[from.index()].images.get(&image).cloned() else {
            return Err(Wrong(format!("the image of {pid} is not at {from}")));
        };
        let torus = self.torus(at);
        let frame = if torus.refuses {
            Err(Refusal::Draining)
        } else {
            torus.table_frame()
        };
        let table_frame = match frame {
            Ok(frame) => frame,
            Err(reason) => {
                self.statistics.refused += 1;
                self.send(at, from, Message::Refused { pid, reason });
                return Ok(());
            }
        };
        if torus.processes.contains_key(&pid) {
            return Err(Wrong(format!("{pid} arrives, but is here")));
        }
        let mut memory = Memory::new(table_frame);
        memory.mapped = image.mapped;
        memory.left_out = image.left_out;
        for backing in memory.mapped.values_mut() {
            *backing = self.arrive(at, *backing)?;
        }
        let left = image
            .claims
            .iter()
            .find(|claim| claim.source == image.source);
        let source = &self.tori[from.index()].deposits;
        match left.and_then(|claim| source.get(&claim.deposit)) {
            Some(safe) => memory.fold(&safe.memory, image.source),
            None => return Err(Wrong(format!("{pid} has left nothing at {from}"))),
        }
        let mut effects = Effects::new();
        let resident = PullMachine::adopt(pid, from, image.claims, &mut effects);
        let moves = image.moves + 1;
        let process = Process::new(resident, memory, moves);
        self.torus(at).processes.insert(pid, process);
        self.statistics.migrations += 1;
        self.send(at, pid.birth(), family::Message::Moved { pid, moves, at });
        self.execute(at, pid, effects)
    }

    /// The process stays after all: its deposit is its address space again.
    fn resume(&mut self, at: TorusId, pid: Pid) -> Outcome {
        let torus = self.torus(at);
        let process = torus.processes.get_mut(&pid);
        let frozen = process.and_then(|process| process.frozen.take());
        let image = frozen.and_then(|number| torus.images.remove(&number));
        for backing in image.iter().flat_map(|image| image.mapped.values()) {
            if let Backing::Far(home, number) = *backing {
                let to = image.as_ref().map_or(home, |image| image.to);
                self.hold(at, home, number, to, -1)?;
            }
        }
        let torus = self.torus(at);
        let claims = image.as_ref().map_or(&[][..], |image| &image.claims);
        let left = claims
            .iter()
            .find(|claim| Some(claim.source) == image.as_ref().map(|i| i.source));
        let safe = left.and_then(|claim| torus.deposits.remove(&claim.deposit));
        let (Some(safe), Some(process)) = (safe, torus.processes.get_mut(&pid)) else {
            return Err(Wrong(format!("{pid} resumes, but was not frozen")));
        };
        process.memory = Some(safe.memory);
        if mem::take(&mut process.held) {
            self.doomed.push((at, pid));
        }
        Ok(())
    }

    /// The process is elsewhere.
    fn forget(&mut self, at: TorusId, pid: Pid) {
        let torus = self.torus(at);
        let process = torus.processes.remove(&pid);
        if let Some(number) = process.and_then(|process| process.frozen) {
            torus.images.remove(&number);
        }
    }

    pub(super) fn moved(&mut self, at: TorusId, pid: Pid, moves: u32, torus: TorusId) -> Outcome {
        Ok(self
            .torus(at)
            .births
            .moved(pid, Whereabouts { torus, moves })?)
    }
}
