//! What a torus lends to others.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use fallible::{NoMemory, TryMap};

use crate::TorusId;

/// No object has this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no memory object {0} is lent")]
pub struct NoObject(pub u64);

/// An object as it was when a page of it was looked for: the page is lent only if the object has not been cut since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Look {
    number: u64,
    cuts: u64,
}

/// Why a page is not lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlent {
    /// Nobody holds the object any more.
    #[error(transparent)]
    Gone(#[from] NoObject),
    /// The object was cut since the page was looked for: it is to be looked for again.
    #[error("memory object {0} was cut meanwhile")]
    Cut(u64),
}

/// A cut of an object, as a holder is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The torus that is told.
    pub holder: TorusId,
    /// The object's number.
    pub object: u64,
    /// The first page that is gone.
    pub from: u64,
    /// Which of the object's cuts this is.
    pub cut: u64,
}

/// What has come back: dropped by the caller, when it holds no lock.
#[derive(Debug)]
#[must_use = "it is to be dropped where no lock is held"]
pub struct Outstanding<O, P> {
    /// The object, when nobody holds it any more.
    pub object: Option<O>,
    /// Its pages.
    pub pages: Vec<P>,
}

impl<O, P> Default for Outstanding<O, P> {
    fn default() -> Self {
        let (object, pages) = (None, Vec::new());
        Self { object, pages }
    }
}

/// The objects of a torus that others hold, and what is lent of them: `O` keeps an object, `P` a page in its frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lender<O, P> {
    next: u64,
    objects: BTreeMap<u64, Lending<O, P>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lending<O, P> {
    object: O,
    /// How often each torus was given it.
    holds: BTreeMap<TorusId, i64>,
    lent: BTreeMap<(TorusId, u64), P>,
    /// How often it was cut.
    cuts: u64,
    /// What each torus has not forgotten yet, by cut.
    cut: BTreeMap<(TorusId, u64), Vec<P>>,
}

impl<O, P> Default for Lender<O, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O, P> Lender<O, P> {
    /// Gives back what an empty map keeps.
    pub fn shrink(&mut self) {
        if self.objects.is_empty() {
            self.objects = BTreeMap::new();
        }
    }

    /// Nothing is lent.
    pub const fn new() -> Self {
        Self {
            next: 0,
            objects: BTreeMap::new(),
        }
    }

    /// Whether nobody holds anything.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The object of a number.
    pub fn object(&self, number: u64) -> Option<&O> {
        Some(&self.objects.get(&number)?.object)
    }

    /// Gives `holder` an object: by the number that it is the `same` by, or a new one. Naming and counting are one step, since an object
    /// that nobody is counted for loses its number. Answers also what has come back.
    ///
    /// # Errors
    /// [`NoMemory`] for a number.
    pub fn give(
        &mut self,
        object: O,
        holder: TorusId,
        same: impl Fn(&O) -> bool,
    ) -> Result<(u64, Outstanding<O, P>), NoMemory> {
        let number = match self.number_of(same) {
            Some(number) => number,
            None => self.add(object)?,
        };
        let back = self.hold(number, holder, 1);
        Ok((number, back.unwrap_or_default()))
    }

    /// Whether others hold an object.
    pub fn has(&self, same: impl Fn(&O) -> bool) -> bool {
        self.number_of(same).is_some()
    }

    /// The number of an object, if it has one.
    fn number_of(&self, same: impl Fn(&O) -> bool) -> Option<u64> {
        let mut known = self.objects.iter();
        known
            .find(|(_, known)| same(&known.object))
            .map(|(number, _)| *number)
    }

    /// Gives an object a number by which others may hold it, until they have all let it go.
    fn add(&mut self, object: O) -> Result<u64, NoMemory> {
        let number = self.next;
        self.next += 1;
        let lending = Lending {
            object,
            holds: BTreeMap::new(),
            lent: BTreeMap::new(),
            cuts: 0,
            cut: BTreeMap::new(),
        };
        self.objects.put(number, lending)?;
        Ok(number)
    }

    /// All pages that are lent, for accounts.
    pub fn pages(&self) -> impl Iterator<Item = &P> {
        self.objects.values().flat_map(|lending| {
            let cut = lending.cut.values().flatten();
            lending.lent.values().chain(cut)
        })
    }

    /// `holder` has an object more or less often, as another torus says. Answers what has come back.
    ///
    /// # Errors
    /// [`NoObject`].
    #[expect(clippy::disallowed_methods, reason = "the caller insists")]
    pub fn hold(
        &mut self,
        number: u64,
        holder: TorusId,
        change: i64,
    ) -> Result<Outstanding<O, P>, NoObject> {
        let lending = self.lending(number)?;
        let count = lending.holds.entry(holder).or_default();
        *count += change;
        if *count == 0 {
            lending.holds.remove(&holder);
        }
        Ok(self.settle(number, Vec::new()))
    }

    /// Nothing maps an object any more on `holder`, which was given it so often. Answers what has come back.
    ///
    /// # Errors
    /// [`NoObject`].
    #[expect(clippy::disallowed_methods, reason = "the caller insists")]
    pub fn release(
        &mut self,
        number: u64,
        holder: TorusId,
        count: i64,
    ) -> Result<Outstanding<O, P>, NoObject> {
        let lending = self.lending(number)?;
        let mut pages: Vec<P> = lending
            .lent
            .extract_if((holder, 0)..=(holder, u64::MAX), |_, _| true)
            .map(|(_, page)| page)
            .collect();
        let cut = lending
            .cut
            .extract_if((holder, 0)..=(holder, u64::MAX), |_, _| true);
        pages.extend(cut.flat_map(|(_, pages)| pages));
        let mut back = self.hold(number, holder, -count)?;
        back.pages.extend(pages);
        Ok(back)
    }

    /// The object of a number, before a page of it is looked for.
    pub fn look(&self, number: u64) -> Option<(Look, &O)> {
        let lending = self.objects.get(&number)?;
        let cuts = lending.cuts;
        Some((Look { number, cuts }, &lending.object))
    }

    /// Lends a page, perhaps before it is known here that `holder` was given the object; answers one that it takes the place of.
    /// `tell` sends it. As long as whoever calls this keeps others from the lender, the holder hears of the page and of the cuts of
    /// the object in the order in which they happen.
    ///
    /// # Errors
    /// [`Unlent`], with the page: nobody was told.
    #[expect(clippy::disallowed_methods, reason = "the caller insists")]
    pub fn lend(
        &mut self,
        look: Look,
        holder: TorusId,
        index: u64,
        page: P,
        tell: impl FnOnce(&P),
    ) -> Result<Option<P>, (Unlent, P)> {
        let lending = match self.lending(look.number) {
            Ok(lending) if lending.cuts == look.cuts => lending,
            Ok(_) => return Err((Unlent::Cut(look.number), page)),
            Err(gone) => return Err((gone.into(), page)),
        };
        tell(&page);
        Ok(lending.lent.insert((holder, index), page))
    }

    /// A holder has copied a page; answers it.
    pub fn copied(&mut self, number: u64, holder: TorusId, index: u64) -> Option<P> {
        self.objects.get_mut(&number)?.lent.remove(&(holder, index))
    }

    /// An object was cut: what is lent from page `from` on has to come back. `tell` sends that to each holder, in the order that
    /// [`Lender::lend`] speaks of.
    #[expect(clippy::disallowed_methods, reason = "the caller insists")]
    pub fn cut(&mut self, from: u64, same: impl Fn(&O) -> bool, tell: impl FnMut(Cut)) {
        let mut known = self.objects.iter_mut();
        let Some((number, lending)) = known.find(|(_, known)| same(&known.object)) else {
            return;
        };
        let (object, cut) = (*number, lending.cuts);
        lending.cuts += 1;
        let given = lending.holds.iter().filter(|(_, count)| **count > 0);
        let mut holders: BTreeSet<TorusId> = given.map(|(holder, _)| *holder).collect();
        holders.extend(lending.lent.keys().map(|(holder, _)| *holder));
        for ((holder, _), page) in lending.lent.extract_if(.., |(_, index), _| *index >= from) {
            lending.cut.entry((holder, cut)).or_default().push(page);
        }
        let told = holders.into_iter().map(|holder| Cut {
            holder,
            object,
            from,
            cut,
        });
        told.for_each(tell);
    }

    /// A holder has forgotten what was cut; answers the pages, if they have not come back already.
    pub fn forgotten(&mut self, number: u64, holder: TorusId, cut: u64) -> Vec<P> {
        let lending = self.objects.get_mut(&number);
        let pages = lending.and_then(|lending| lending.cut.remove(&(holder, cut)));
        pages.unwrap_or_default()
    }

    fn lending(&mut self, number: u64) -> Result<&mut Lending<O, P>, NoObject> {
        let known = self.objects.get_mut(&number);
        known.ok_or(NoObject(number))
    }

    /// Gives an object up that nobody holds any more.
    fn settle(&mut self, number: u64, mut pages: Vec<P>) -> Outstanding<O, P> {
        let unheld = |lending: &Lending<O, P>| lending.holds.is_empty();
        let gone = self.objects.get(&number).is_some_and(unheld);
        let gone = gone.then(|| self.objects.remove(&number)).flatten();
        let object = gone.map(|lending| {
            pages.extend(lending.lent.into_values());
            pages.extend(lending.cut.into_values().flatten());
            lending.object
        });
        Outstanding { object, pages }
    }
}
