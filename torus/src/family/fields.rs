//! How what processes tell each other travels in words of a line.

use super::{Answer, By, Carried, Count, Crowd, Ended, Members, Order, Sent, Told};
use crate::message::field::Field;
use crate::pid::Pid;

fields!(Ended {
    status: u32,
    user_time: u64,
    system_time: u64,
    uid: u32
});

fields!(Crowd { members: Members, session: Option<Pid> });
fields!(Count {
    found: u64,
    permitted: u64,
    best: i32
});
fields!(Answer {
    result: i32,
    limit: [u64; 2]
});

/// An end, if there was one: the status has a bit more for it.
impl Field for Option<Ended> {
    const WORDS: usize = 4;

    fn put(self, words: &mut [u64]) {
        let there = u64::from(self.is_some()) << 32;
        self.unwrap_or_default().put(words);
        words[0] |= there;
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        let status = words[0] & u64::from(u32::MAX);
        let there = bool::get(&[words[0] >> 32])?;
        let ended = Ended::get(&[status, words[1], words[2], words[3]])?;
        Ok(there.then_some(ended))
    }
}

impl Field for Sent {
    const WORDS: usize = 3;

    fn put(self, words: &mut [u64]) {
        let code = u64::from(self.code.cast_unsigned());
        words[0] = u64::from(self.signal) | code << 32;
        words[1] = half(self.from) | half(self.session) << 32;
        words[2] = u64::from(self.uid) | u64::from(self.euid) << 32;
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        Ok(Self {
            signal: words[0] as u32,
            code: ((words[0] >> 32) as u32).cast_signed(),
            from: <Option<Pid>>::get(&[words[1] & u64::from(u32::MAX)])?,
            uid: words[2] as u32,
            euid: (words[2] >> 32) as u32,
            session: <Option<Pid>>::get(&[words[1] >> 32])?,
        })
    }
}

impl Field for Carried {
    const WORDS: usize = 2;

    fn put(self, words: &mut [u64]) {
        (words[0], words[1]) = (self.sender, self.value);
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        Ok(Self {
            sender: words[0],
            value: words[1],
        })
    }
}

/// A process or none in half a word.
fn half(pid: Option<Pid>) -> u64 {
    pid.map_or(0, |pid| pid.raw() as u64)
}

/// Two numbers in one word.
const fn both(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

const fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

impl Field for Members {
    const WORDS: usize = 1;

    fn put(self, words: &mut [u64]) {
        words[0] = match self {
            Self::Others => 0,
            Self::Group(group) => both(group.raw().cast_unsigned(), 1),
            Self::User(user) => both(user, 2),
        };
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        Ok(match halves(words[0]) {
            (0, 0) => Self::Others,
            (group, 1) => Self::Group(Pid::get(&[group.into()])?),
            (user, 2) => Self::User(user),
            _ => return Err(words[0]),
        })
    }
}

impl Field for By {
    const WORDS: usize = 2;

    fn put(self, words: &mut [u64]) {
        words[0] = both(self.pid.raw().cast_unsigned(), self.gid);
        words[1] = both(self.uid, self.euid);
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        let ((pid, gid), (uid, euid)) = (halves(words[0]), halves(words[1]));
        Ok(Self {
            pid: Pid::get(&[pid.into()])?,
            uid,
            euid,
            gid,
        })
    }
}

/// In the first word of what a crowd is told: above a signal's number.
const TOLD: u32 = 8;

impl Field for Told {
    const WORDS: usize = 3;

    fn put(self, words: &mut [u64]) {
        match self {
            Self::Signal(sent) => sent.put(words),
            Self::Nice { by, new } => {
                let kind = if new.is_some() { 2 } else { 1 };
                words[0] = both(kind << TOLD, new.unwrap_or(0).cast_unsigned());
                by.put(&mut words[1..]);
            }
            Self::Late { number } => words[..2].copy_from_slice(&[3 << TOLD, number]),
        }
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        let (kind, value) = halves(words[0]);
        if kind >> TOLD == 0 {
            return Ok(Self::Signal(Sent::get(words)?));
        }
        let nice = |new| {
            let by = By::get(&words[1..])?;
            Ok(Self::Nice { by, new })
        };
        match (kind >> TOLD, value) {
            (1, 0) => nice(None),
            (2, value) => nice(Some(value.cast_signed())),
            (3, 0) => Ok(Self::Late { number: words[1] }),
            _ => Err(words[0]),
        }
    }
}

impl Field for Order {
    const WORDS: usize = 3;

    fn put(self, words: &mut [u64]) {
        let line = match self {
            Self::Limit {
                resource,
                new: None,
            } => [both(1, resource), 0, 0],
            Self::Limit {
                resource,
                new: Some([current, maximum]),
            } => [both(2, resource), current, maximum],
            Self::Nice { new: None } => [3, 0, 0],
            Self::Nice { new: Some(new) } => [both(4, new.cast_unsigned()), 0, 0],
            Self::TellPolicy => [5, 0, 0],
            Self::SetPolicy { policy, priority } => {
                let policy = policy.map_or(u64::MAX, u64::from);
                [both(6, priority.cast_unsigned()), policy, 0]
            }
            Self::TellCores => [7, 0, 0],
            Self::SetCores { mask } => [8, mask, 0],
        };
        words[..3].copy_from_slice(&line);
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        let (kind, small) = halves(words[0]);
        Ok(match kind {
            1 => Self::Limit {
                resource: small,
                new: None,
            },
            2 => Self::Limit {
                resource: small,
                new: Some([words[1], words[2]]),
            },
            3 => Self::Nice { new: None },
            4 => Self::Nice {
                new: Some(small.cast_signed()),
            },
            5 => Self::TellPolicy,
            6 => Self::SetPolicy {
                policy: u32::try_from(words[1]).ok(),
                priority: small.cast_signed(),
            },
            7 => Self::TellCores,
            8 => Self::SetCores { mask: words[1] },
            _ => return Err(words[0]),
        })
    }
}
