//! Executes the effects of processes' machines, as the kernel of a host does.

use std::{collections::BTreeMap, mem};

use torus::{
    DepositId, TorusId,
    message::{Message, Refusal},
    migrate::{Claim, Deposit, Effect, Event, MigrateError, Resident},
    pid::{Pid, Whereabouts},
    span::Span,
};
use vm::addr::Frame;

use super::{
    Outcome, World, Wrong,
    process::SIGKILL,
    torus_state::{Entry, Image, Kept, Place, Process, Safe, Table},
};

impl World {
    /// Steps the machine of a process, and executes what it wants.
    pub(super) fn event(&mut self, at: TorusId, pid: Pid, event: Event) -> Outcome {
        let Some(process) = self.process(at, pid) else {
            return Err(Wrong(format!(
                "torus {at} has no process {pid} for {event:?}"
            )));
        };
        let mut effects = Vec::new();
        process
            .resident
            .step(event, &Table(&process.table), &mut effects)?;
        self.execute(at, pid, effects)
    }

    /// Asks a process to leave; that it is busy is an answer to the program, not a fault.
    pub(super) fn leave(&mut self, at: TorusId, pid: Pid, to: TorusId) -> Outcome {
        let Some(process) = self.process(at, pid) else {
            return Ok(());
        };
        let mut effects = Vec::new();
        match process
            .resident
            .step(Event::Leave { to }, &Table(&process.table), &mut effects)
        {
            Err(MigrateError::Busy(_)) => Ok(()),
            answer => answer
                .map_err(Wrong::from)
                .and_then(|()| self.execute(at, pid, effects)),
        }
    }

    pub(super) fn execute(&mut self, at: TorusId, pid: Pid, effects: Vec<Effect>) -> Outcome {
        for effect in effects {
            match effect {
                Effect::Send { to, message } => self.send(at, to, message),
                Effect::Copy {
                    deposit,
                    span,
                    frame,
                } => self.copy(at, pid, deposit, span, frame)?,
                Effect::Wake(span) => {
                    if let Some(process) = self.process(at, pid) {
                        process.waits = process.waits.filter(|page| !span.contains(*page));
                    }
                }
                Effect::Depart { to } => self.departing.push((at, pid, to)),
                Effect::Resume(_) => self.resume(at, pid)?,
                Effect::Forward { to } => {
                    if self.process(at, pid).is_some_and(|process| process.held) {
                        let signal = Message::Signal {
                            to: pid,
                            token: 0,
                            sent: SIGKILL,
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
                Effect::Kill(_) => {
                    self.statistics.kills += 1;
                    self.doomed.push((at, pid));
                }
                Effect::Over => {
                    if let Some(process) = self.torus(at).processes.remove(&pid) {
                        let moves = process.moves;
                        self.send(at, pid.birth(), Message::Reaped { pid, moves });
                    }
                }
            }
        }
        Ok(())
    }

    /// Copies granted pages into own frames as far as there are any.
    fn copy(
        &mut self,
        at: TorusId,
        pid: Pid,
        deposit: DepositId,
        span: Span,
        frame: Option<Frame>,
    ) -> Outcome {
        let (mut copied, mut uncopied) = (Span { mask: 0, ..span }, Span { mask: 0, ..span });
        for page in span.pages() {
            let entry = self
                .process(at, pid)
                .and_then(|process| process.table.get(&page).copied());
            let Some(Entry::Remote(home, named)) = entry else {
                return Err(Wrong(format!("{page:?} of {pid} is copied, but {entry:?}")));
            };
            let home = &self.tori[home.index()];
            let granted = home
                .deposits
                .get(&deposit)
                .and_then(|safe| safe.kept.get(&page));
            if !granted.is_some_and(|kept| kept.pinned) {
                return Err(Wrong(format!(
                    "{page:?} of {pid} is copied without a grant"
                )));
            }
            let word = frame
                .map(|frame| frame.0)
                .or(named)
                .and_then(|frame| home.frames.word(frame));
            self.compare(pid, page, word)?;
            let bit = span.bit(page);
            match word.and_then(|word| self.torus(at).frames.allocate(word)) {
                Some(frame) => {
                    self.set(at, pid, page, Entry::Present(frame));
                    copied.mask |= bit;
                    self.statistics.copied += 1;
                }
                None => uncopied.mask |= bit,
            }
        }
        if !copied.is_empty() {
            self.event(
                at,
                pid,
                Event::Copied {
                    deposit,
                    span: copied,
                },
            )?;
        }
        if !uncopied.is_empty() {
            self.event(
                at,
                pid,
                Event::Uncopied {
                    deposit,
                    span: uncopied,
                },
            )?;
        }
        Ok(())
    }

    /// Freezes a process: what it has here becomes a deposit, the rest goes with the image.
    pub(super) fn depart(&mut self, at: TorusId, pid: Pid, to: TorusId) -> Outcome {
        let torus = self.torus(at);
        let Some(process) = torus.processes.get_mut(&pid) else {
            return Err(Wrong(format!("{pid} departs, but is not here")));
        };
        process.waits = None;
        let mut kept = BTreeMap::new();
        let mut table = mem::take(&mut process.table);
        for (page, entry) in &mut table {
            let (place, sent, lease) = match *entry {
                Entry::Present(frame) => (Place::Frame(frame), Some(frame), false),
                Entry::Shared(frame) => (Place::Frame(frame), Some(frame), true),
                Entry::Swapped(slot) => (Place::Slot(slot), None, false),
                Entry::Remote(..) | Entry::Lease(..) => continue,
            };
            *entry = match (lease, sent) {
                (true, Some(frame)) => Entry::Lease(at, frame),
                _ => Entry::Remote(at, sent),
            };
            kept.insert(
                *page,
                Kept {
                    sent,
                    place,
                    pinned: false,
                    lease,
                },
            );
        }
        let mut claims: Vec<Claim> = process.resident.claims().copied().collect();
        let mut deposit = None;
        if !kept.is_empty() {
            let id = torus.names.give();
            let leases = kept.values().filter(|kept| kept.lease).count() as u64;
            let pages = kept.len() as u64 - leases;
            claims.push(Claim {
                home: at,
                deposit: id,
                pages,
                leases,
            });
            let Some(table_frame) = process.table_frame.take() else {
                return Err(Wrong(format!("{pid} departs without a table")));
            };
            let safe = Safe {
                deposit: Deposit::new(id, pages + leases),
                table_frame,
                kept,
            };
            torus.deposits.insert(id, safe);
            deposit = Some(id);
        }
        let number = torus
            .images
            .last_key_value()
            .map_or(Frame(0), |(number, _)| *number + 1);
        process.frozen = Some(number);
        torus.images.insert(
            number,
            Image {
                claims,
                table,
                moves: process.moves,
                deposit,
            },
        );
        self.send(at, to, Message::Offer { pid, image: number });
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
        let mut claims = image.claims;
        let own = claims
            .iter()
            .position(|claim| claim.home == at)
            .map(|index| claims.remove(index));
        let mut table = image.table;
        if let Some(claim) = own {
            let old_frame = self.take_back(at, claim.deposit, &mut table)?;
            self.torus(at).frames.free(old_frame);
        }
        let mut effects = Vec::new();
        let resident = Resident::adopt(pid, from, claims, &mut effects);
        let moves = image.moves + 1;
        let mut process = Process::new(resident, table_frame, moves);
        process.table = table;
        self.torus(at).processes.insert(pid, process);
        self.statistics.migrations += 1;
        self.send(at, pid.birth(), Message::Moved { pid, moves, at });
        self.execute(at, pid, effects)
    }

    /// The process stays after all.
    fn resume(&mut self, at: TorusId, pid: Pid) -> Outcome {
        let torus = self.torus(at);
        let frozen = torus
            .processes
            .get_mut(&pid)
            .and_then(|process| process.frozen.take());
        let Some(image) = frozen.and_then(|number| torus.images.remove(&number)) else {
            return Err(Wrong(format!("{pid} resumes, but was not frozen")));
        };
        let mut table = image.table;
        let mut table_frame = None;
        if let Some(deposit) = image.deposit {
            table_frame = Some(self.take_back(at, deposit, &mut table)?);
        }
        if let Some(process) = self.process(at, pid) {
            process.table = table;
            process.table_frame = process.table_frame.or(table_frame);
            if mem::take(&mut process.held) {
                self.doomed.push((at, pid));
            }
        }
        Ok(())
    }

    /// The process is elsewhere.
    fn forget(&mut self, at: TorusId, pid: Pid) {
        let torus = self.torus(at);
        let Some(process) = torus.processes.remove(&pid) else {
            return;
        };
        if let Some(number) = process.frozen {
            torus.images.remove(&number);
        }
        if let Some(frame) = process.table_frame {
            torus.frames.free(frame);
        }
    }

    pub(super) fn moved(&mut self, at: TorusId, pid: Pid, moves: u32, torus: TorusId) -> Outcome {
        Ok(self
            .torus(at)
            .births
            .moved(pid, Whereabouts { torus, moves })?)
    }
}
