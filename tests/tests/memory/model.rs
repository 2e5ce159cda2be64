//! The model: what each page of an address space must be.

use std::collections::BTreeMap;

use vm::table::Rights;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    Zero,
    Private(u32, u64),
    Shared(u32, u64),
}

impl Source {
    pub(super) fn after(self, pages: u64) -> Self {
        match self {
            Self::Zero => Self::Zero,
            Self::Private(object, at) => Self::Private(object, at + pages),
            Self::Shared(object, at) => Self::Shared(object, at + pages),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) rights: Rights,
    pub(super) source: Source,
    pub(super) written: Option<u64>,
}

pub(super) type Pages = BTreeMap<u64, Expected>;
