//! Families on an emulated network: tori, a wire for each ordered pair of them, and processes that fork, end, wait, move,
//! change groups and send signals, in random orders from a seed.

extern crate std;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::vec::Vec;

use super::*;
use shots::Shot;
use torus::{Hands, Item, Process, State, Wires};

mod shots;
mod torus;

struct Net {
    families: Vec<Families>,
    wires: Wires,
    processes: BTreeMap<Pid, Process>,
    collected: BTreeSet<Pid>,
    shots: Vec<Shot>,
    numbers: u32,
    random: u64,
}

impl Net {
    fn new(tori: usize, seed: u64) -> Self {
        let families = TorusId::first(tori).map(|id| Families::new(id, tori));
        let mut net = Self {
            families: families.collect(),
            wires: Wires::new(),
            processes: BTreeMap::new(),
            collected: BTreeSet::new(),
            shots: Vec::new(),
            numbers: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        net.born(TorusId::ZERO, None);
        net
    }

    fn pick(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as usize % below
    }

    fn on<R>(&mut self, own: TorusId, act: impl FnOnce(&mut Families, &mut Hands<'_>) -> R) -> R {
        let mut hands = Hands {
            own,
            wires: &mut self.wires,
            processes: &mut self.processes,
        };
        act(&mut self.families[own.index()], &mut hands)
    }

    fn put(&mut self, from: TorusId, to: TorusId, item: Item) {
        self.wires.entry((from, to)).or_default().push_back(item);
    }

    fn born(&mut self, at: TorusId, parent: Option<Pid>) {
        let pid = self.families[at.index()].give().unwrap();
        self.families[at.index()].born(pid, parent).unwrap();
        self.begin(at, pid);
    }

    /// A process makes a child of its parent.
    fn born_beside(&mut self, at: TorusId, sibling: Pid) {
        let pid = self.families[at.index()].give().unwrap();
        self.begin(at, pid);
        self.on(at, |families, hands| {
            families.born_beside(pid, sibling, hands).unwrap();
        });
        let group = self.families[at.index()].group(pid).unwrap();
        self.processes.get_mut(&pid).unwrap().group = group;
    }

    fn begin(&mut self, at: TorusId, pid: Pid) {
        let families = &mut self.families[at.index()];
        let group = families.group(pid).unwrap_or(pid);
        let process = Process {
            at,
            state: State::Runs,
            arriving: false,
            group,
            had: Vec::new(),
        };
        assert!(self.processes.insert(pid, process).is_none());
    }

    /// A process that runs.
    fn someone(&mut self) -> Option<(Pid, TorusId)> {
        let running = self.processes.iter();
        let running: Vec<_> = running
            .filter(|(_, process)| process.state == State::Runs)
            .map(|(pid, process)| (*pid, process.at))
            .collect();
        (!running.is_empty()).then(|| running[self.pick(running.len())])
    }

    fn step(&mut self) {
        let deliver = self.pick(3) > 0 && !self.wires.is_empty();
        if deliver {
            self.deliver();
            // Init collects what it hears of, sometimes at once.
            if self.processes[&Pid::INIT].state == State::Runs && self.pick(2) == 0 {
                self.wait(Pid::INIT);
            }
            return;
        }
        let Some((pid, at)) = self.someone() else {
            return;
        };
        match self.pick(15) {
            12 => self.order_one(pid),
            13 => self.order_many(pid, None),
            14 => self.order_many(pid, Some(1)),
            11 if pid != Pid::INIT && self.processes.len() < 40 => self.born_beside(at, pid),
            0..3 if self.processes.len() < 40 => self.born(at, Some(pid)),
            3 if pid != Pid::INIT => self.exit(pid),
            4 => {
                self.wait(pid);
            }
            5 | 6 => self.depart(pid),
            7 => self.regroup(pid),
            8 => self.kill_one(pid),
            9 => self.kill_group(pid),
            10 => self.push(pid),
            _ => {}
        }
    }

    fn exit(&mut self, pid: Pid) {
        let process = self.processes.get_mut(&pid).unwrap();
        process.state = State::Ended;
        let at = process.at;
        let ended = Ended {
            status: pid.raw().cast_unsigned(),
            ..Ended::default()
        };
        while !self.on(at, |families, world| families.exit(pid, ended, world)) {}
    }

    fn wait(&mut self, pid: Pid) -> bool {
        let wanted = Wanted {
            ended: true,
            stopped: true,
            continued: true,
            keep: false,
        };
        let at = self.processes[&pid].at;
        let found = self.on(at, |families, world| {
            families.wait(pid, Whom::Any, wanted, world)
        });
        let Ok(Some(Found { child, news })) = found else {
            return false;
        };
        assert!(matches!(news, News::Ended(ended) if ended.status == child.raw().cast_unsigned()));
        assert_eq!(self.processes[&child].state, State::Ended);
        assert!(self.collected.insert(child), "{child} is collected twice");
        true
    }

    fn depart(&mut self, pid: Pid) {
        let from = self.processes[&pid].at;
        let to = TorusId::new(self.pick(self.families.len())).unwrap();
        if to == from || self.processes[&pid].arriving {
            return;
        }
        let words = self
            .on(from, |families, world| families.freeze(pid, world))
            .unwrap();
        self.processes.get_mut(&pid).unwrap().state = State::Moving;
        self.put(from, to, Item::Offer(pid, words));
    }

    fn regroup(&mut self, pid: Pid) {
        let at = self.processes[&pid].at;
        let (token, group) = self.on(at, |families, world| {
            let token = families.token(pid);
            families.set_group(pid, pid, (pid, true), token, world);
            (token, families.group(pid).unwrap())
        });
        // A process that leaves a group may miss a signal to it that is under way.
        for shot in &mut self.shots {
            shot.targets.remove(&pid);
        }
        let process = self.processes.get_mut(&pid).unwrap();
        process.group = group;
        process.state = State::Asks(token);
    }

    /// A parent, or somebody else, pushes a process.
    fn push(&mut self, asker: Pid) {
        let all: Vec<Pid> = self.processes.keys().copied().collect();
        let pid = all[self.pick(all.len())];
        let at = self.processes[&asker].at;
        let token = self.on(at, |families, world| {
            let token = families.token(asker);
            families.push((asker, token), (0, 0), pid, TorusId::ZERO, world);
            token
        });
        self.processes.get_mut(&asker).unwrap().state = State::Asks(token);
    }

    fn deliver(&mut self) {
        let keys: Vec<_> = self.wires.keys().copied().collect();
        let (from, to) = keys[self.pick(keys.len())];
        self.deliver_one(from, to);
    }

    fn deliver_one(&mut self, from: TorusId, to: TorusId) {
        let wire = self.wires.get_mut(&(from, to)).unwrap();
        let item = wire.pop_front().unwrap();
        if wire.is_empty() {
            self.wires.remove(&(from, to));
        }
        match item {
            Item::Message(message) => {
                let heard = self.on(to, |families, world| families.receive(from, message, world));
                heard.unwrap();
            }
            Item::Offer(pid, words) => self.offered(from, to, pid, &words),
            Item::Adopted(pid) => {
                self.on(to, |families, world| families.depart(pid, from, world));
                self.put(to, from, Item::Departed(pid));
            }
            Item::Refused(pid) => {
                self.processes.get_mut(&pid).unwrap().state = State::Runs;
                self.on(to, |families, world| families.resume(pid, world));
            }
            Item::Departed(pid) => self.processes.get_mut(&pid).unwrap().arriving = false,
        }
        self.go_on();
    }

    fn offered(&mut self, from: TorusId, to: TorusId, pid: Pid, words: &[u64]) {
        if self.pick(4) == 0 {
            return self.put(to, from, Item::Refused(pid));
        }
        self.arrive(from, to, pid, words);
    }

    fn arrive(&mut self, from: TorusId, to: TorusId, pid: Pid, words: &[u64]) {
        let process = self.processes.get_mut(&pid).unwrap();
        (process.at, process.state, process.arriving) = (to, State::Runs, true);
        let arrived = self.on(to, |families, world| families.arrive(pid, words, world));
        arrived.unwrap();
        self.put(to, from, Item::Adopted(pid));
    }

    /// Calls whose answers have come return.
    fn go_on(&mut self) {
        let mut results = BTreeMap::new();
        for (pid, process) in &mut self.processes {
            let State::Asks(token) = process.state else {
                continue;
            };
            let families = &mut self.families[process.at.index()];
            if let Some(answer) = families.answer(*pid, token) {
                process.state = State::Runs;
                results.insert(*pid, answer.result);
            }
        }
        let asks = |processes: &BTreeMap<Pid, Process>, pid| {
            matches!(processes[&pid].state, State::Asks(_))
        };
        let processes = &self.processes;
        self.shots.retain(|shot| {
            let over = !asks(processes, shot.asker);
            for target in shot.targets.iter().filter(|_| over) {
                let target_process = &processes[target];
                if target_process.state == State::Ended {
                    continue;
                }
                assert!(
                    shot.asks || target_process.had.contains(&shot.number),
                    "{target} has not had {}",
                    shot.number
                );
                assert_ne!(results[&shot.asker], route::NO_PROCESS, "{target} is there");
            }
            !over
        });
    }

    /// Everybody ends, init collects.
    fn finish(&mut self) {
        while !self.wires.is_empty() {
            self.deliver();
        }
        self.go_on();
        let all: Vec<Pid> = self.processes.keys().copied().collect();
        for pid in all {
            let state = self.processes[&pid].state;
            assert!(
                !matches!(state, State::Asks(_) | State::Moving),
                "{pid} {state:?}"
            );
            if pid != Pid::INIT && state == State::Runs {
                self.exit(pid);
            }
        }
        while !self.wires.is_empty() {
            self.deliver();
        }
        while self.wait(Pid::INIT) {
            while !self.wires.is_empty() {
                self.deliver();
            }
        }
        assert!(self.shots.is_empty());
        let init = self.processes[&Pid::INIT].at;
        let children = &self.families[init.index()].kin[&Pid::INIT].children;
        assert!(children.is_empty(), "{children:?}");
        for (families, id) in self.families.iter().zip(TorusId::first(64)) {
            let init = usize::from(self.processes[&Pid::INIT].at == id);
            assert_eq!(families.len(), init, "torus {id}");
            assert_eq!(
                families.births(),
                usize::from(id == TorusId::ZERO),
                "torus {id}"
            );
        }
    }
}

#[test]
fn families_on_several_tori() {
    let schedules = if cfg!(miri) { 3 } else { 4000 };
    let only = std::env::var("BRAID_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..schedules, |seed: u64| seed..seed + 1);
    for seed in seeds {
        std::println!("BRAID_SEED={seed}");
        let mut net = Net::new(1 + seed as usize % 4, seed);
        for _ in 0..400 {
            net.step();
        }
        net.finish();
    }
}

#[test]
fn the_answer_to_a_call_that_was_given_up_is_dropped() {
    let mut net = Net::new(1, 1);
    net.on(TorusId::ZERO, |families, hands| {
        let given_up = families.token(Pid::INIT);
        let asked = families.token(Pid::INIT);
        families.reply(Pid::INIT, asked, 1, hands);
        families.reply(Pid::INIT, given_up, 2, hands);
        assert_eq!(families.answer(Pid::INIT, asked), Some(1.into()));
        assert_eq!(families.answer(Pid::INIT, given_up), None);
    });
}

/// A process goes from a torus that has not heard of an order to one that has answered it: neither has counted it.
#[test]
fn who_moves_between_two_answers_is_found() {
    let [first, second, third] = [0, 1, 2].map(|id| TorusId::new(id).unwrap());
    for new in [None, Some(1)] {
        let mut net = Net::new(3, 1);
        net.born(first, Some(Pid::INIT));
        let pid = *net.processes.keys().next_back().unwrap();
        net.regroup(pid);
        net.go_on();
        let words = net.on(first, |families, world| families.freeze(pid, world));
        net.processes.get_mut(&pid).unwrap().state = State::Moving;
        net.arrive(first, second, pid, &words.unwrap());
        net.deliver_one(second, first);
        net.deliver_one(second, first);
        net.deliver_one(first, second);
        net.order_like(Pid::INIT, pid, false, new);
        net.deliver_one(first, third);
        let words = net.on(second, |families, world| families.freeze(pid, world));
        net.processes.get_mut(&pid).unwrap().state = State::Moving;
        net.arrive(second, third, pid, &words.unwrap());
        net.deliver_one(third, second);
        net.finish();
    }
}
