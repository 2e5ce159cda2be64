//! The home's machine for the pages of one process that stayed behind.

use alloc::collections::BTreeMap;

use fallible::{NoMemory, TryMap};
use vm::addr::{Frame, Page};

use super::Message;
use super::{MigrateError, effects::Few};
use crate::{DepositId, TorusId, span::Span};

/// Where a page of a deposit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// In a frame, which the deposit's table names.
    Here,
    /// On the swap device.
    Away,
}

/// What the machine sees of the frozen page table of its deposit, which nobody else changes meanwhile.
pub trait HeldPages {
    /// Where `page` is; `None` if it is not in the deposit (any longer). One that is in a frame stays there from now on,
    /// until it is dropped: it may be granted.
    fn pin(&mut self, page: Page) -> Option<Held>;

    /// Whether `page` is in the deposit.
    fn has(&self, page: Page) -> bool;
}

/// What happens to a deposit: messages of the host `from`, and what the kernel reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositEvent {
    /// [`Message::Pull`].
    Pull {
        /// The host.
        from: TorusId,
        /// What it wants to copy.
        span: Span,
    },
    /// The page may be in a frame now, or cannot be had.
    Read {
        /// The page.
        page: Page,
        /// False: it cannot be had.
        good: bool,
    },
    /// [`Message::Free`].
    Free {
        /// What it needs no longer.
        span: Span,
    },
    /// [`Message::Fork`].
    Fork {
        /// The host.
        from: TorusId,
        /// The name of the child's deposit.
        child: DepositId,
    },
    /// The kernel has executed [`DepositEffect::Clone`], or had no memory to.
    Cloned {
        /// The host.
        to: TorusId,
        /// The child's deposit.
        child: DepositId,
        /// The top table of the new one, if there is one now.
        root: Option<Frame>,
    },
    /// [`Message::Release`].
    Release,
}

/// What the kernel has to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositEffect {
    /// Send a message.
    Send {
        /// The receiver.
        to: TorusId,
        /// The message.
        message: Message,
    },
    /// Tell a host that it cannot have these pages: a [`Message::Lost`] for each.
    Lose {
        /// The host.
        to: TorusId,
        /// What it does not get.
        span: Span,
    },
    /// Read these pages back from swap, and report [`DepositEvent::Read`] for each; if one is dropped meanwhile, throw
    /// away what was read.
    ReadIn(Span),
    /// Give up the share in the frames or swap slots of these pages.
    Drop(Span),
    /// Make another deposit with shares in the same frames and slots, and report [`DepositEvent::Cloned`] at once.
    Clone {
        /// The host that asked.
        to: TorusId,
        /// The new deposit.
        child: DepositId,
    },
    /// Give up what is left and forget the deposit.
    Close,
}

/// The effects of a step.
pub type DepositEffects = Few<DepositEffect, 4>;

/// The pages of one process that stayed on one torus, its home.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deposit {
    id: DepositId,
    /// Pages that are being read back, and for whom.
    reading: BTreeMap<Page, TorusId>,
}

impl Deposit {
    /// A deposit of the pages in its page table.
    pub const fn new(id: DepositId) -> Self {
        Self {
            id,
            reading: BTreeMap::new(),
        }
    }

    /// Its name.
    pub const fn id(&self) -> DepositId {
        self.id
    }

    /// Takes one event. It has been sent already and cannot be refused: a page that is to be read back without memory to note that is lost to
    /// its host.
    ///
    /// # Errors
    /// [`MigrateError::NotHeld`] for a page that is not in the deposit: its host is at fault, and is told that the page is lost. What
    /// was asked for the other pages is done all the same.
    pub fn step(
        &mut self,
        event: DepositEvent,
        table: &mut impl HeldPages,
        effects: &mut DepositEffects,
    ) -> Result<(), MigrateError> {
        let deposit = self.id;
        match event {
            DepositEvent::Pull { from, span } => self.pull(from, span, table, effects)?,
            DepositEvent::Read { page, good } => self.read(page, good, table, effects),
            DepositEvent::Free { span } => self.free(span, table, effects)?,
            DepositEvent::Fork { from, child } => {
                effects.push(DepositEffect::Clone { to: from, child });
            }
            DepositEvent::Cloned { to, child, root } => {
                let parent = deposit;
                let answer = match root {
                    Some(root) => Message::Forked {
                        parent,
                        child,
                        root,
                    },
                    None => Message::ForkFailed { parent, child },
                };
                send(effects, to, answer);
            }
            DepositEvent::Release => effects.push(DepositEffect::Close),
        }
        Ok(())
    }

    /// Grants what is in frames, and reads back the rest.
    fn pull(
        &mut self,
        from: TorusId,
        span: Span,
        table: &mut impl HeldPages,
        effects: &mut DepositEffects,
    ) -> Result<(), MigrateError> {
        let none = Span { mask: 0, ..span };
        let (mut granted, mut away, mut lost) = (none, none, none);
        let mut missing = None;
        for page in span.pages() {
            let bit = span.bit(page);
            match table.pin(page) {
                Some(Held::Here) => granted.mask |= bit,
                // It is being read.
                Some(Held::Away) if self.is_read_for(page, from) => {}
                Some(Held::Away) => match self.reading.put(page, from) {
                    Ok(_) => away.mask |= bit,
                    Err(NoMemory) => lost.mask |= bit,
                },
                None => {
                    missing = Some(page);
                    lost.mask |= bit;
                }
            }
        }
        if !lost.is_empty() {
            effects.push(DepositEffect::Lose {
                to: from,
                span: lost,
            });
        }
        if !away.is_empty() {
            effects.push(DepositEffect::ReadIn(away));
        }
        if !granted.is_empty() {
            self.grant(from, granted, effects);
        }
        self.all_held(missing)
    }

    /// Has a page that is being read go to `to`, if there is one.
    fn is_read_for(&mut self, page: Page, to: TorusId) -> bool {
        let reader = self.reading.get_mut(&page);
        reader.map(|reader| *reader = to).is_some()
    }

    fn read(
        &mut self,
        page: Page,
        good: bool,
        table: &mut impl HeldPages,
        effects: &mut DepositEffects,
    ) {
        // A page that was freed meanwhile is nobody's business.
        let Some(&to) = self.reading.get(&page) else {
            return;
        };
        let span = Span::one(page);
        let held = if good { table.pin(page) } else { None };
        if held == Some(Held::Away) {
            // It has come and gone again.
            effects.push(DepositEffect::ReadIn(span));
            return;
        }
        self.reading.remove(&page);
        match held {
            Some(Held::Here) => self.grant(to, span, effects),
            _ => effects.push(DepositEffect::Lose { to, span }),
        }
    }

    fn free(
        &mut self,
        span: Span,
        table: &impl HeldPages,
        effects: &mut DepositEffects,
    ) -> Result<(), MigrateError> {
        for page in span.pages() {
            self.reading.remove(&page);
        }
        effects.push(DepositEffect::Drop(span));
        self.all_held(span.pages().find(|page| !table.has(*page)))
    }

    /// Says that these pages, which are pinned, may be copied.
    fn grant(&self, to: TorusId, span: Span, effects: &mut DepositEffects) {
        let deposit = self.id;
        send(effects, to, Message::Grant { deposit, span });
    }

    const fn all_held(&self, missing: Option<Page>) -> Result<(), MigrateError> {
        match missing {
            Some(page) => Err(MigrateError::NotHeld {
                deposit: self.id,
                page,
            }),
            None => Ok(()),
        }
    }
}

fn send(effects: &mut DepositEffects, to: TorusId, message: Message) {
    effects.push(DepositEffect::Send { to, message });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deposit of one page, which has been pinned so often.
    struct One(Page, Held, u32);

    impl HeldPages for One {
        fn pin(&mut self, page: Page) -> Option<Held> {
            self.2 += u32::from(self.has(page));
            self.has(page).then_some(self.1)
        }

        fn has(&self, page: Page) -> bool {
            page == self.0
        }
    }

    const PAGE: Page = Page(7);

    fn deposit() -> (DepositId, Deposit) {
        let id = DepositId::from_word(1).expect("a name");
        (id, Deposit::new(id))
    }

    const fn sent(message: Message) -> DepositEffect {
        let to = TorusId::ZERO;
        DepositEffect::Send { to, message }
    }

    #[test]
    fn a_page_that_is_swapped_out_before_it_is_granted_is_read_again() {
        let (id, mut deposit) = deposit();
        let (from, span) = (TorusId::ZERO, Span::one(PAGE));
        let mut step = |event, held| {
            let mut effects = DepositEffects::new();
            deposit
                .step(event, &mut One(PAGE, held, 0), &mut effects)
                .expect("a legal event");
            effects.to_vec()
        };
        let read = DepositEvent::Read {
            page: PAGE,
            good: true,
        };
        let pull = DepositEvent::Pull { from, span };
        assert_eq!(
            step(pull, Held::Away),
            [DepositEffect::ReadIn(Span::one(PAGE))]
        );
        assert_eq!(
            step(read, Held::Away),
            [DepositEffect::ReadIn(Span::one(PAGE))]
        );
        let grant = sent(Message::Grant { deposit: id, span });
        assert_eq!(step(read, Held::Here), [grant]);
        assert_eq!(step(read, Held::Here), []);
    }

    #[test]
    fn a_page_that_is_not_there_does_not_lose_the_others() {
        let (id, mut deposit) = deposit();
        let mut pages = One(PAGE, Held::Here, 0);
        let (from, first) = (TorusId::ZERO, Page(PAGE.0 - 1));
        let span = Span { first, mask: 0b11 };
        let missing = Err(MigrateError::NotHeld {
            deposit: id,
            page: first,
        });
        let mut effects = DepositEffects::new();
        let pull = DepositEvent::Pull { from, span };
        assert_eq!(deposit.step(pull, &mut pages, &mut effects), missing);
        let there = Span { mask: 0b10, first };
        let lost = DepositEffect::Lose {
            to: from,
            span: Span::one(first),
        };
        let granted = sent(Message::Grant {
            deposit: id,
            span: there,
        });
        assert_eq!((&*effects, pages.2), (&[lost, granted][..], 1));
        let mut effects = DepositEffects::new();
        let free = DepositEvent::Free { span };
        assert_eq!(deposit.step(free, &mut pages, &mut effects), missing);
        assert_eq!(*effects, [DepositEffect::Drop(span)]);
    }
}
