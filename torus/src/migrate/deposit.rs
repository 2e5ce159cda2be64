//! The home's machine for the pages of one process that stayed behind.

use alloc::vec::Vec;

use vm::addr::{Frame, Page};

use super::MigrateError;
use crate::{DepositId, TorusId, message::Message, span::Span};

/// Where a page of a deposit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// In the frame that the entry of the host names.
    AsSent,
    /// In this frame of the home, because it was swapped out and in.
    At(Frame),
    /// On the swap device.
    Swapped,
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
    /// The page is back from swap, or cannot be read.
    Read {
        /// The page.
        page: Page,
        /// Whether it is in a frame now.
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
        /// Whether there is one now.
        good: bool,
    },
    /// [`Message::Release`].
    Release {
        /// The host.
        from: TorusId,
    },
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
    /// Read this page back from swap, and report [`DepositEvent::Read`]; if it is dropped meanwhile, throw away
    /// what was read.
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
    /// Pages in the deposit, leases among them.
    pages: u64,
    /// Pages that are being read back, and for whom.
    reading: Vec<(Page, TorusId)>,
}

impl Deposit {
    /// A deposit of so many pages, which are in its page table.
    pub const fn new(id: DepositId, pages: u64) -> Self {
        Self {
            id,
            pages,
            reading: Vec::new(),
        }
    }

    /// Its name.
    pub const fn id(&self) -> DepositId {
        self.id
    }

    /// Pages in it.
    pub const fn pages(&self) -> u64 {
        self.pages
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
            DepositEvent::Cloned {
                to,
                child,
                good: true,
            } => {
                send(
                    effects,
                    to,
                    Message::Forked {
                        parent: deposit,
                        child,
                    },
                );
            }
            DepositEvent::Cloned {
                to,
                child,
                good: false,
            } => {
                send(
                    effects,
                    to,
                    Message::ForkFailed {
                        parent: deposit,
                        child,
                    },
                );
            }
            DepositEvent::Release { from } => {
                effects.push(DepositEffect::Close);
                send(effects, from, Message::Released { deposit });
            }
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
                Some(Held::AsSent) => granted.mask |= granted.bit(page),
                Some(Held::At(frame)) => self.grant_at(from, page, frame, effects),
                Some(Held::Swapped) => self.read_in(page, from, effects),
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
        let (_, to) = self.reading.swap_remove(index);
        match table.held(page) {
            Some(Held::AsSent) if good => self.grant(to, Span::one(page), effects),
            Some(Held::At(frame)) if good => self.grant_at(to, page, frame, effects),
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
        self.pages = self.pages.saturating_sub(span.len());
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

    fn grant_at(&self, to: TorusId, page: Page, frame: Frame, effects: &mut Vec<DepositEffect>) {
        effects.push(DepositEffect::Pin(Span::one(page)));
        send(
            effects,
            to,
            Message::GrantAt {
                deposit: self.id,
                page,
                frame,
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
