//! The home's machine for the pages of one process that stayed behind.

use alloc::vec::Vec;

use vm::addr::{Frame, Page};

use super::MigrateError;
use crate::{DepositId, TorusId, message::Message, span::Span};

/// Where a page of a deposit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// In a frame, which the deposit's table names.
    Here,
    /// On the swap device.
    Away,
}

/// What the machine reads in the frozen page table of its deposit.
pub trait HeldPages {
    /// Where `page` is; `None` if it is not in the deposit (any longer).
    fn held(&self, page: Page) -> Option<Held>;
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
    /// Keep these pages in their frames until they are dropped.
    Pin(Span),
    /// Read this page back from swap, and report [`DepositEvent::Read`]; if it is dropped meanwhile, throw
    /// away what was read.
    ReadIn(Page),
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

/// The pages of one process that stayed on one torus, its home.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deposit {
    id: DepositId,
    /// Pages that are being read back, and for whom.
    reading: Vec<(Page, TorusId)>,
}

impl Deposit {
    /// A deposit of the pages in its page table.
    pub const fn new(id: DepositId) -> Self {
        Self {
            id,
            reading: Vec::new(),
        }
    }

    /// Its name.
    pub const fn id(&self) -> DepositId {
        self.id
    }

    /// Takes one event. After an error the deposit is as before, and its host is at fault.
    ///
    /// # Errors
    /// [`MigrateError::NotHeld`].
    pub fn step(
        &mut self,
        event: DepositEvent,
        table: &impl HeldPages,
        effects: &mut Vec<DepositEffect>,
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
        table: &impl HeldPages,
        effects: &mut Vec<DepositEffect>,
    ) -> Result<(), MigrateError> {
        self.check(span, table)?;
        let mut granted = Span { mask: 0, ..span };
        for page in span.pages() {
            match table.held(page) {
                Some(Held::Here) => granted.mask |= granted.bit(page),
                Some(Held::Away) => self.read_in(page, from, effects),
                None => {}
            }
        }
        if !granted.is_empty() {
            self.grant(from, granted, effects);
        }
        Ok(())
    }

    /// Reads a page back for `from`, if that is not under way.
    fn read_in(&mut self, page: Page, from: TorusId, effects: &mut Vec<DepositEffect>) {
        match self.reading.iter_mut().find(|read| read.0 == page) {
            Some(read) => read.1 = from,
            None => {
                self.reading.push((page, from));
                effects.push(DepositEffect::ReadIn(page));
            }
        }
    }

    fn read(
        &mut self,
        page: Page,
        good: bool,
        table: &impl HeldPages,
        effects: &mut Vec<DepositEffect>,
    ) {
        // A page that was freed meanwhile is nobody's business.
        let Some(index) = self.reading.iter().position(|read| read.0 == page) else {
            return;
        };
        let held = table.held(page).filter(|_| good);
        if held == Some(Held::Away) {
            // It has come and gone again.
            effects.push(DepositEffect::ReadIn(page));
            return;
        }
        let (_, to) = self.reading.swap_remove(index);
        match held {
            Some(Held::Here) => self.grant(to, Span::one(page), effects),
            _ => send(
                effects,
                to,
                Message::Lost {
                    deposit: self.id,
                    page,
                },
            ),
        }
    }

    fn free(
        &mut self,
        span: Span,
        table: &impl HeldPages,
        effects: &mut Vec<DepositEffect>,
    ) -> Result<(), MigrateError> {
        self.check(span, table)?;
        self.reading.retain(|read| !span.contains(read.0));
        effects.push(DepositEffect::Drop(span));
        Ok(())
    }

    fn grant(&self, to: TorusId, span: Span, effects: &mut Vec<DepositEffect>) {
        effects.push(DepositEffect::Pin(span));
        send(
            effects,
            to,
            Message::Grant {
                deposit: self.id,
                span,
            },
        );
    }

    /// Every page of `span` must be in the deposit.
    fn check(&self, span: Span, table: &impl HeldPages) -> Result<(), MigrateError> {
        match span.pages().find(|page| table.held(*page).is_none()) {
            Some(page) => Err(MigrateError::NotHeld {
                deposit: self.id,
                page,
            }),
            None => Ok(()),
        }
    }
}

fn send(effects: &mut Vec<DepositEffect>, to: TorusId, message: Message) {
    effects.push(DepositEffect::Send { to, message });
}

#[cfg(test)]
mod tests {
    use super::*;

    struct AllAt(Held);

    impl HeldPages for AllAt {
        fn held(&self, _: Page) -> Option<Held> {
            Some(self.0)
        }
    }

    #[test]
    fn a_page_that_is_swapped_out_before_it_is_granted_is_read_again() {
        let id = DepositId::from_word(1).expect("a name");
        let page = Page(7);
        let (from, span) = (TorusId::ZERO, Span::one(page));
        let mut deposit = Deposit::new(id);
        let mut step = |event, held| {
            let mut effects = Vec::new();
            deposit
                .step(event, &AllAt(held), &mut effects)
                .expect("a legal event");
            effects
        };
        let read = DepositEvent::Read { page, good: true };
        let pull = DepositEvent::Pull { from, span };
        assert_eq!(step(pull, Held::Away), [DepositEffect::ReadIn(page)]);
        assert_eq!(step(read, Held::Away), [DepositEffect::ReadIn(page)]);
        assert_eq!(step(read, Held::Here)[0], DepositEffect::Pin(span));
        assert_eq!(step(read, Held::Here), []);
    }
}
