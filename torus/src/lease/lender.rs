//! What a torus lends to others.
//!
//! Nothing here grows but when an object is given or a page is lent, and either may fail: what others say of what they have changes counts, and
//! takes pages out. Pages come back a few at a time, so that nobody waits long for the lender.

use alloc::collections::{BTreeMap, btree_map::IntoValues};
use core::ops::Bound;

use fallible::{NoMemory, TryMap};

use crate::{MAX_TORI, TorusId};

/// Pages that come back at a time.
const PART: usize = 16;

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
    /// There is no memory to note it.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
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

/// An object that nobody holds any more, with what was still lent of it: dropped by the caller, when it holds no lock.
#[derive(Debug)]
#[must_use = "it is to be dropped where no lock is held"]
pub struct Outstanding<O, P> {
    /// The object.
    pub object: O,
    /// Its pages.
    pub pages: IntoValues<Place, P>,
}

/// Where a page is lent: to whom, which one, and how often the object had been cut by then.
type Place = (TorusId, u64, u64);

/// What comes back of an object from one holder, as far as it has not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    /// The page to go on with, and its cut.
    from: (u64, u64),
    /// The last cut before which a page was lent that comes back.
    cut: u64,
}

impl Recall {
    /// Everything.
    pub const ALL: Self = Self::cut(0, u64::MAX);

    /// What a holder forgets that is told of this [`Cut`].
    pub const fn cut(from: u64, cut: u64) -> Self {
        let from = (from, 0);
        Self { from, cut }
    }
}

/// Some of what comes back: dropped by the caller, when it holds no lock.
#[derive(Debug)]
#[must_use = "it is to be dropped where no lock is held"]
pub struct Part<P> {
    /// The pages.
    pub pages: heapless::Vec<P, PART>,
    /// What comes back besides, if there may be more.
    pub rest: Option<Recall>,
}

/// The objects of a torus that others hold, and what is lent of them: `K` names an object, `O` keeps it, `P` a page in its frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lender<K, O, P> {
    next: u64,
    objects: BTreeMap<u64, Lending<K, O, P>>,
    numbers: BTreeMap<K, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lending<K, O, P> {
    key: K,
    object: O,
    /// How often each torus was given it.
    holds: [i32; MAX_TORI],
    /// What each has not given back, also of what was cut meanwhile.
    lent: BTreeMap<Place, P>,
    /// How often it was cut.
    cuts: u64,
}

impl<K: Ord + Copy, O, P> Default for Lender<K, O, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Copy, O, P> Lender<K, O, P> {
    /// Gives back what empty maps keep.
    pub fn shrink(&mut self) {
        if self.objects.is_empty() {
            (self.objects, self.numbers) = (BTreeMap::new(), BTreeMap::new());
        }
    }

    /// Nothing is lent.
    pub const fn new() -> Self {
        Self {
            next: 0,
            objects: BTreeMap::new(),
            numbers: BTreeMap::new(),
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

    /// Gives `holder` the object of a name, by the number that it has or a new one. Naming and counting are one step, since an object
    /// that nobody is counted for loses its number.
    ///
    /// # Errors
    /// [`NoMemory`] for a number.
    pub fn give(&mut self, key: K, object: O, holder: TorusId) -> Result<u64, NoMemory> {
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => self.add(key, object)?,
        };
        if let Some(lending) = self.objects.get_mut(&number) {
            lending.count(holder, 1);
        }
        Ok(number)
    }

    /// Whether others hold the object of a name.
    pub fn has(&self, key: K) -> bool {
        self.numbers.contains_key(&key)
    }

    /// Gives an object a number by which others may hold it, until they have all let it go.
    fn add(&mut self, key: K, object: O) -> Result<u64, NoMemory> {
        let number = self.next;
        let lending = Lending {
            key,
            object,
            holds: [0; MAX_TORI],
            lent: BTreeMap::new(),
            cuts: 0,
        };
        self.objects.put(number, lending)?;
        if let Err(error) = self.numbers.put(key, number) {
            self.objects.remove(&number);
            return Err(error);
        }
        self.next += 1;
        Ok(number)
    }

    /// All pages that are lent, for accounts.
    pub fn pages(&self) -> impl Iterator<Item = &P> {
        let lendings = self.objects.values();
        lendings.flat_map(|lending| lending.lent.values())
    }

    /// `holder` has an object more or less often, as it or another torus says. Answers the object when nobody has it any more.
    ///
    /// # Errors
    /// [`NoObject`].
    pub fn hold(
        &mut self,
        number: u64,
        holder: TorusId,
        change: i32,
    ) -> Result<Option<Outstanding<O, P>>, NoObject> {
        let lending = self.objects.get_mut(&number).ok_or(NoObject(number))?;
        lending.count(holder, change);
        if lending.holds.iter().any(|&count| count != 0) {
            return Ok(None);
        }
        let gone = self.objects.remove(&number).ok_or(NoObject(number))?;
        self.numbers.remove(&gone.key);
        Ok(Some(Outstanding {
            object: gone.object,
            pages: gone.lent.into_values(),
        }))
    }

    /// Takes back some of what `holder` was lent: when it has forgotten what was cut, and before it is counted out, as nothing maps the object
    /// there any more. Whoever goes on until there is no rest has all of it.
    pub fn take_back(&mut self, number: u64, holder: TorusId, what: Recall) -> Part<P> {
        let mut part = Part {
            pages: heapless::Vec::new(),
            rest: None,
        };
        let Some(lending) = self.objects.get_mut(&number) else {
            return part;
        };
        let first = (holder, what.from.0, what.from.1);
        let lent = lending.lent.range(first..=(holder, u64::MAX, u64::MAX));
        let mut places = heapless::Vec::<Place, PART>::new();
        for (place, _) in lent.take(PART) {
            // There is room for as many.
            let _ = places.push(*place);
        }
        if let (Some((_, index, cuts)), true) = (places.last(), places.is_full()) {
            let from = (*index, cuts + 1);
            part.rest = Some(Recall { from, ..what });
        }
        // What was lent after the cut stays.
        for place in places.iter().filter(|place| place.2 <= what.cut) {
            let page = lending.lent.remove(place);
            let _ = page.map(|page| part.pages.push(page));
        }
        part
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
    pub fn lend(
        &mut self,
        look: Look,
        holder: TorusId,
        index: u64,
        page: P,
        tell: impl FnOnce(&P),
    ) -> Result<Option<P>, (Unlent, P)> {
        let Some(lending) = self.objects.get_mut(&look.number) else {
            return Err((NoObject(look.number).into(), page));
        };
        if lending.cuts != look.cuts {
            return Err((Unlent::Cut(look.number), page));
        }
        let _held = match lending.lent.room(1) {
            Ok(held) => held,
            Err(error) => return Err((error.into(), page)),
        };
        tell(&page);
        #[expect(clippy::disallowed_methods, reason = "there is room")]
        Ok(lending.lent.insert((holder, index, look.cuts), page))
    }

    /// A holder has copied a page, of what is never cut; answers it.
    pub fn copied(&mut self, number: u64, holder: TorusId, index: u64) -> Option<P> {
        let lending = self.objects.get_mut(&number)?;
        lending.lent.remove(&(holder, index, lending.cuts))
    }

    /// The object of a name was cut: what is lent from page `from` on has to [come back](Self::take_back). `tell` sends that to each holder,
    /// in the order that [`Lender::lend`] speaks of.
    pub fn cut(&mut self, from: u64, key: K, tell: impl FnMut(Cut)) {
        let number = self.numbers.get(&key).copied();
        let Some((object, lending)) =
            number.and_then(|number| Some((number, self.objects.get_mut(&number)?)))
        else {
            return;
        };
        let cut = lending.cuts;
        lending.cuts += 1;
        let told = lending.holders();
        let told = TorusId::first(MAX_TORI).filter(|holder| told & 1 << holder.index() != 0);
        let told = told.map(|holder| Cut {
            holder,
            object,
            from,
            cut,
        });
        told.for_each(tell);
    }
}

impl<K, O, P> Lending<K, O, P> {
    /// `holder` has it more or less often.
    fn count(&mut self, holder: TorusId, change: i32) {
        let count = &mut self.holds[holder.index()];
        *count = count.wrapping_add(change);
    }

    /// Who has it, or something of it; a bit for each.
    fn holders(&self) -> u64 {
        let has = |(torus, &count): (usize, &i32)| u64::from(count > 0) << torus;
        let mut holders = self.holds.iter().enumerate().map(has).sum();
        let mut first = Bound::Unbounded;
        while let Some(((holder, ..), _)) = self.lent.range((first, Bound::Unbounded)).next() {
            holders |= 1 << holder.index();
            first = Bound::Excluded((*holder, u64::MAX, u64::MAX));
        }
        holders
    }
}
