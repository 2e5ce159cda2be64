//! Users and groups of a process, and the rules by which it may change them (credentials(7)).
//!
//! There are no single capabilities: whoever's effective user is 0 has them all, and for files whoever's file-system user is 0.

use crate::error::FileError;
use crate::permission::{Access, Guard, SET_GROUP, SET_USER, may};
use crate::remote::wire::{Reader, Wire, WireError, Writer};

/// "Leave it as it is" among the arguments of setreuid(2) and kin; never a user or group.
pub const KEEP: u32 = u32::MAX;
/// The most supplementary groups of a process (Linux: 65536). They travel with every question to another torus.
pub const GROUPS_MAX: usize = 32;

/// The four users of a process, or its four groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// The one that started the process.
    pub real: u32,
    /// The one on whose behalf it acts.
    pub effective: u32,
    /// The one to which it may go back.
    pub saved: u32,
    /// The one on whose behalf it uses files; follows the effective one.
    pub files: u32,
}

impl Ids {
    fn all_are(&self, id: u32) -> bool {
        [self.real, self.effective, self.saved] == [id; 3]
    }

    fn has(&self, id: u32) -> bool {
        [self.real, self.effective, self.saved].contains(&id)
    }

    /// setuid(2), setgid(2).
    ///
    /// # Errors
    /// [`FileError::Invalid`] for a number that is no id, [`FileError::NotPermitted`].
    pub fn set(&mut self, privileged: bool, id: u32) -> Result<(), FileError> {
        if id == KEEP {
            return Err(FileError::Invalid);
        }
        if privileged {
            (self.real, self.saved) = (id, id);
        } else if id != self.real && id != self.saved {
            return Err(FileError::NotPermitted);
        }
        (self.effective, self.files) = (id, id);
        Ok(())
    }

    /// setreuid(2), setregid(2).
    ///
    /// # Errors
    /// [`FileError::NotPermitted`].
    pub fn set_two(
        &mut self,
        privileged: bool,
        [real, effective]: [u32; 2],
    ) -> Result<(), FileError> {
        let old = *self;
        let may_real = real == KEEP || real == old.real || real == old.effective;
        let may_effective = effective == KEEP || old.has(effective);
        if !(privileged || may_real && may_effective) {
            return Err(FileError::NotPermitted);
        }
        self.real = kept(real, old.real);
        self.effective = kept(effective, old.effective);
        if real != KEEP || (effective != KEEP && effective != old.real) {
            self.saved = self.effective;
        }
        self.files = self.effective;
        Ok(())
    }

    /// setresuid(2), setresgid(2).
    ///
    /// # Errors
    /// [`FileError::NotPermitted`].
    pub fn set_three(&mut self, privileged: bool, new: [u32; 3]) -> Result<(), FileError> {
        if !privileged && new.iter().any(|&id| id != KEEP && !self.has(id)) {
            return Err(FileError::NotPermitted);
        }
        let [real, effective, saved] = new;
        self.real = kept(real, self.real);
        self.effective = kept(effective, self.effective);
        self.saved = kept(saved, self.saved);
        self.files = self.effective;
        Ok(())
    }

    /// setfsuid(2), setfsgid(2), which answer with the old id, whatever they do.
    pub fn set_files(&mut self, privileged: bool, id: u32) -> u32 {
        let old = self.files;
        if id != KEEP && (privileged || self.has(id) || id == old) {
            self.files = id;
        }
        old
    }
}

fn kept(new: u32, old: u32) -> u32 {
    if new == KEEP { old } else { new }
}

/// Supplementary groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    count: usize,
    ids: [u32; GROUPS_MAX],
}

impl Groups {
    /// None.
    pub const NONE: Self = Self {
        count: 0,
        ids: [0; GROUPS_MAX],
    };

    /// These groups, if they are not too many.
    pub fn new(ids: impl IntoIterator<Item = u32>) -> Option<Self> {
        let mut groups = Self::NONE;
        for id in ids {
            *groups.ids.get_mut(groups.count)? = id;
            groups.count += 1;
        }
        Some(groups)
    }

    /// Brings them into the order in which Linux shows them.
    pub fn sort(&mut self) {
        self.ids[..self.count].sort_unstable();
    }

    /// The groups.
    pub fn ids(&self) -> &[u32] {
        &self.ids[..self.count]
    }
}

impl Default for Groups {
    fn default() -> Self {
        Self::NONE
    }
}

impl core::fmt::Debug for Groups {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.ids().fmt(f)
    }
}

impl Wire for Groups {
    fn put(&self, to: &mut Writer) {
        (self.count as u32).put(to);
        self.ids().iter().for_each(|id| id.put(to));
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut groups = Self::NONE;
        for _ in 0..u32::get(from)? {
            let id = u32::get(from)?;
            let place = groups.ids.get_mut(groups.count);
            *place.ok_or(WireError::Rest(size_of::<u32>()))? = id;
            groups.count += 1;
        }
        Ok(groups)
    }
}

/// On whose behalf files are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user; 0 may do nearly everything.
    pub user: u32,
    /// The group of new files.
    pub group: u32,
    /// Other groups that count.
    pub groups: Groups,
}

crate::remote::wire::wire_fields!(Identity {
    user,
    group,
    groups
});

impl Identity {
    /// Whether it is the superuser's.
    pub const fn is_privileged(&self) -> bool {
        self.user == 0
    }

    /// Whether it may look into a process (`/proc/PID`).
    pub fn may_inspect(&self, process: &Credentials) -> bool {
        let same = process.user.all_are(self.user) && process.group.all_are(self.group);
        self.is_privileged() || same && process.dumpable
    }

    /// Whether it is in a group.
    pub fn is_in(&self, group: u32) -> bool {
        self.group == group || self.groups.ids().contains(&group)
    }
}

/// The users and groups of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its users.
    pub user: Ids,
    /// Its groups.
    pub group: Ids,
    /// Its supplementary groups.
    pub groups: Groups,
    /// Programs that it executes give it no more than it has (PR_SET_NO_NEW_PRIVS).
    pub no_new_privileges: bool,
    /// Others of its user may look into it (PR_SET_DUMPABLE).
    pub dumpable: bool,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            user: Ids::default(),
            group: Ids::default(),
            groups: Groups::NONE,
            no_new_privileges: false,
            dumpable: true,
        }
    }
}

impl Credentials {
    /// Words that [`Self::words`] gives.
    pub const WORDS: usize = 8 + 2 + GROUPS_MAX;

    /// Of one user and group.
    pub fn of(user: u32, group: u32) -> Self {
        let ids = |id| Ids {
            real: id,
            effective: id,
            saved: id,
            files: id,
        };
        Self {
            user: ids(user),
            group: ids(group),
            ..Self::default()
        }
    }

    /// Whether it may do what is the superuser's.
    pub const fn is_privileged(&self) -> bool {
        self.user.effective == 0
    }

    /// As whom it uses files.
    pub const fn identity(&self) -> Identity {
        Identity {
            user: self.user.files,
            group: self.group.files,
            groups: self.groups,
        }
    }

    /// As whom access(2) looks at files.
    pub const fn real_identity(&self) -> Identity {
        Identity {
            user: self.user.real,
            group: self.group.real,
            groups: self.groups,
        }
    }

    /// Changes that a process makes of itself: who has become somebody else may not be looked into by others any more.
    ///
    /// # Errors
    /// Those of `change`, which has changed nothing then.
    pub fn change<R>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<R, FileError>,
    ) -> Result<R, FileError> {
        let mut new = *self;
        let result = change(&mut new)?;
        new.dumpable &= self.acts_as(&new);
        *self = new;
        Ok(result)
    }

    /// Whether another acts as the same user and group, also with files.
    pub fn acts_as(&self, other: &Self) -> bool {
        let pairs = [(self.user, other.user), (self.group, other.group)];
        let same =
            |(own, other): (Ids, Ids)| own.effective == other.effective && own.files == other.files;
        pairs.into_iter().all(same)
    }

    /// The credentials of a process once it has executed a file.
    #[must_use]
    pub fn executing(&self, file: Guard) -> Self {
        let mut new = *self;
        if !self.no_new_privileges {
            if file.mode & SET_USER != 0 {
                new.user.effective = file.uid;
            }
            // Without the right to execute, the bit means mandatory locking (System V).
            if file.mode & SET_GROUP != 0 && file.mode & 0o010 != 0 {
                new.group.effective = file.gid;
            }
        }
        for ids in [&mut new.user, &mut new.group] {
            (ids.saved, ids.files) = (ids.effective, ids.effective);
        }
        // Nor may anybody look into a program that they could not read as a file.
        let reads = may(&self.identity(), file, Access::READ);
        new.dumpable = !self.is_set_id() && self.acts_as(&new) && reads;
        new
    }

    /// Whether it acts as somebody else than who started it (AT_SECURE of getauxval(3)).
    pub const fn is_set_id(&self) -> bool {
        self.user.effective != self.user.real || self.group.effective != self.group.real
    }

    /// Whether it may send a signal to a process with these real and saved users, or have it moved (kill(2)).
    pub const fn may_signal(&self, real: u32, saved: u32) -> bool {
        may_signal((self.user.real, self.user.effective), (real, saved))
    }

    /// Whether it may change limits of another process, or look into it (prlimit(2), ptrace(2)).
    pub fn may_control(&self, other: &Self) -> bool {
        let same = other.user.all_are(self.user.real) && other.group.all_are(self.group.real);
        self.is_privileged() || same
    }

    /// Whether it may say how another process is run (setpriority(2), sched_setscheduler(2)): as the same user, but not of one that may do
    /// more than itself, as set-id programs may.
    pub fn may_renice(&self, other: &Self) -> bool {
        let own = self.user.effective;
        let same = own == other.user.real || own == other.user.effective;
        own == 0 || same && (self.user.has(0) || !other.user.has(0))
    }

    /// All of it as numbers, to be made again by [`Self::from_words`].
    pub fn words(&self) -> [u32; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        for (at, ids) in [self.user, self.group].into_iter().enumerate() {
            let ids = [ids.real, ids.effective, ids.saved, ids.files];
            words[4 * at..][..4].copy_from_slice(&ids);
        }
        words[8] = u32::from(self.no_new_privileges) | u32::from(self.dumpable) << 1;
        words[9] = self.groups.count as u32;
        words[10..].copy_from_slice(&self.groups.ids);
        words
    }

    /// Of the numbers that [`Self::words`] gave.
    pub fn from_words(words: &[u32; Self::WORDS]) -> Self {
        let ids = |at: usize| Ids {
            real: words[at],
            effective: words[at + 1],
            saved: words[at + 2],
            files: words[at + 3],
        };
        let mut groups = Groups::NONE;
        groups.count = (words[9] as usize).min(GROUPS_MAX);
        groups.ids.copy_from_slice(&words[10..]);
        Self {
            user: ids(0),
            group: ids(4),
            groups,
            no_new_privileges: words[8] & 1 != 0,
            dumpable: words[8] & 2 != 0,
        }
    }
}

/// Whether a sender with this real and effective user may send a signal to a process with this real and saved user.
pub const fn may_signal(sender: (u32, u32), target: (u32, u32)) -> bool {
    let (real, effective) = sender;
    effective == 0
        || effective == target.0
        || effective == target.1
        || real == target.0
        || real == target.1
}

#[cfg(test)]
mod tests;
