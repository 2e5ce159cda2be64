//! Signals and orders of the emulated processes to one, or to many.

use super::*;

/// What was told, and who must have heard it when its sender goes on.
pub(super) struct Shot {
    pub(super) number: u32,
    pub(super) asker: Pid,
    pub(super) targets: BTreeSet<Pid>,
    /// Nothing is changed: they only have to be found.
    pub(super) asks: bool,
}

fn by(pid: Pid, sent: Sent) -> By {
    By {
        pid,
        uid: sent.uid,
        euid: 0,
        gid: 0,
    }
}

impl Net {
    fn shoot(&mut self, asker: Pid, targets: BTreeSet<Pid>, asks: bool) -> (TorusId, u64, Sent) {
        let at = self.processes[&asker].at;
        let token = self.families[at.index()].token(asker);
        self.processes.get_mut(&asker).unwrap().state = State::Asks(token);
        self.numbers += 1;
        let number = self.numbers;
        self.shots.push(Shot {
            number,
            asker,
            targets,
            asks,
        });
        let sent = Sent {
            signal: 10,
            code: 0,
            from: Some(asker),
            uid: number,
            euid: 0,
            session: None,
        };
        (at, token, sent)
    }

    pub(super) fn kill_one(&mut self, asker: Pid) {
        let all: Vec<Pid> = self.processes.keys().copied().collect();
        let to = all[self.pick(all.len())];
        let (at, token, sent) = self.shoot(asker, BTreeSet::from([to]), false);
        self.on(at, |families, world| {
            families.signal_one(to, token, (sent, sent.carried()), world);
        });
    }

    pub(super) fn kill_group(&mut self, asker: Pid) {
        let group = self.processes[&asker].group;
        let members = self.processes.iter();
        let members = members.filter(|(_, process)| process.group == group);
        let members = members.map(|(pid, _)| *pid).collect();
        let (at, token, sent) = self.shoot(asker, members, false);
        let crowd = Crowd {
            members: Members::Group(group),
            session: None,
        };
        self.on(at, |families, world| {
            families.to_crowd(Some((asker, token)), crowd, Told::Signal(sent), world);
        });
    }

    /// Orders to one process, or to those of a group or user to which the sender may not belong.
    pub(super) fn order_one(&mut self, asker: Pid) {
        let all: Vec<Pid> = self.processes.keys().copied().collect();
        let to = all[self.pick(all.len())];
        let (at, token, sent) = self.shoot(asker, BTreeSet::from([to]), false);
        let order = Order::SetCores { mask: 1 };
        self.on(at, |families, world| {
            families.order(to, token, (by(asker, sent), order), world);
        });
    }

    pub(super) fn order_many(&mut self, asker: Pid, new: Option<i32>) {
        let all: Vec<Pid> = self.processes.keys().copied().collect();
        let one = all[self.pick(all.len())];
        let by_user = self.pick(2) == 0;
        self.order_like(asker, one, by_user, new);
    }

    /// An order to the group, or the user, of a process.
    pub(super) fn order_like(&mut self, asker: Pid, one: Pid, by_user: bool, new: Option<i32>) {
        let (group, user) = (self.processes[&one].group, one.raw() as u32 % 3);
        let meant = |(pid, process): (&Pid, &Process)| {
            let is_meant = if by_user {
                pid.raw() as u32 % 3 == user
            } else {
                process.group == group
            };
            is_meant.then_some(*pid)
        };
        let targets = self.processes.iter().filter_map(meant).collect();
        let (at, token, sent) = self.shoot(asker, targets, new.is_none());
        let members = if by_user {
            Members::User(user)
        } else {
            Members::Group(group)
        };
        let crowd = Crowd {
            members,
            session: None,
        };
        let by = by(asker, sent);
        self.on(at, |families, world| {
            families.to_crowd(Some((asker, token)), crowd, Told::Nice { by, new }, world);
        });
    }
}
