//! Random histories of objects against flat byte vectors.

use std::collections::HashMap;

use proptest::prelude::*;
use vm::hash::{Digest, Hasher};
use vm::store::{Counts, VmoStore};
use vm::vmo::page::HeapPages;
use vm::vmo::{PageView, Patch, VmoError, VmoHandle};

pub(crate) type Store = VmoStore<HeapPages>;
pub(crate) type Handle = VmoHandle<HeapPages>;

pub(crate) fn store() -> Store {
    VmoStore::new(HeapPages::unlimited(), Hasher::host())
}

/// The id of `bytes`, computed level by level from nothing but page roots.
pub(crate) fn flat_id(hasher: &Hasher, bytes: &[u8]) -> Digest {
    let page = |chunk: &[u8]| {
        let mut page = [0; 4096];
        page[..chunk.len()].copy_from_slice(chunk);
        hasher.leaf(&page)
    };
    let mut level: Vec<Digest> = bytes.chunks(4096).map(page).collect();
    level.resize(level.len().next_power_of_two(), Digest::ZERO);
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| hasher.node(&pair[0], &pair[1]))
            .collect();
    }
    hasher.id(bytes.len() as u64, &level[0])
}

pub(crate) fn bytes(handle: &Handle) -> Vec<u8> {
    let mut bytes = vec![0; handle.size() as usize];
    handle.read(0, &mut bytes).unwrap();
    bytes
}

/// One step of a history; numbers are taken modulo what is there.
#[derive(Clone, Debug)]
enum Step {
    Build(Vec<u8>),
    Slice {
        of: usize,
        start: u64,
        end: u64,
    },
    PageSlice {
        of: usize,
        start: u64,
        end: u64,
    },
    Concat {
        first: usize,
        second: usize,
    },
    Patch {
        of: usize,
        patches: Vec<(u64, Vec<u8>)>,
    },
    Id {
        of: usize,
    },
    Forget {
        of: usize,
    },
}

/// Bytes in which equal pages, zeros and odd sizes are common.
pub(crate) fn content() -> impl Strategy<Value = Vec<u8>> {
    let run = (
        0..4u8,
        prop_oneof![
            0..3usize,
            1..600usize,
            4000..4200usize,
            Just(4096),
            Just(8192)
        ],
    );
    prop::collection::vec(run, 0..5).prop_map(|runs| {
        runs.into_iter()
            .flat_map(|(byte, len)| vec![byte; len])
            .collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    let patch = (any::<u64>(), content());
    prop_oneof![
        2 => content().prop_map(Step::Build),
        3 => (any::<usize>(), any::<u64>(), any::<u64>())
            .prop_map(|(of, start, end)| Step::Slice { of, start, end }),
        1 => (any::<usize>(), any::<u64>(), any::<u64>())
            .prop_map(|(of, start, end)| Step::PageSlice { of, start, end }),
        3 => any::<(usize, usize)>().prop_map(|(first, second)| Step::Concat { first, second }),
        3 => (any::<usize>(), prop::collection::vec(patch, 0..4))
            .prop_map(|(of, patches)| Step::Patch { of, patches }),
        2 => any::<usize>().prop_map(|of| Step::Id { of }),
        1 => any::<usize>().prop_map(|of| Step::Forget { of }),
    ]
}

/// Objects beside their bytes.
struct Model {
    store: Store,
    objects: Vec<(Handle, Vec<u8>)>,
}

impl Model {
    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        let count = self.objects.len();
        let made = match step {
            Step::Build(bytes) => (self.store.from_bytes(&bytes).unwrap(), bytes),
            _ if count == 0 => return Ok(()),
            Step::Slice { of, start, end } => self.slice(of % count, start, end, 1),
            Step::PageSlice { of, start, end } => self.slice(of % count, start, end, 4096),
            Step::Concat { first, second } => {
                let (a, b) = (&self.objects[first % count], &self.objects[second % count]);
                if a.1.len() + b.1.len() > 200_000 {
                    return Ok(());
                }
                (a.0.concat(&b.0).unwrap(), [&a.1[..], &b.1[..]].concat())
            }
            Step::Patch { of, patches } => match self.patch(of % count, &patches)? {
                Some(made) => made,
                None => return Ok(()),
            },
            Step::Id { of } => {
                let (handle, bytes) = &self.objects[of % count];
                prop_assert_eq!(handle.id().unwrap(), flat_id(self.store.hasher(), bytes));
                return self.check(of % count);
            }
            Step::Forget { of } => {
                self.objects.swap_remove(of % count);
                return Ok(());
            }
        };
        self.objects.push(made);
        self.check(self.objects.len() - 1)
    }

    fn slice(&self, of: usize, start: u64, end: u64, unit: u64) -> (Handle, Vec<u8>) {
        let (handle, bytes) = &self.objects[of];
        let len = handle.size();
        let (a, b) = (
            start % (len + 1) / unit * unit,
            end % (len + 1) / unit * unit,
        );
        let (start, end) = (a.min(b), a.max(b));
        (
            handle.slice(start..end).unwrap(),
            bytes[start as usize..end as usize].to_vec(),
        )
    }

    /// The patched object, or `None` after checking that the patches are refused as they must be.
    fn patch(
        &self,
        of: usize,
        patches: &[(u64, Vec<u8>)],
    ) -> Result<Option<(Handle, Vec<u8>)>, TestCaseError> {
        let (handle, bytes) = &self.objects[of];
        let mut patched = bytes.clone();
        let mut changed = vec![false; bytes.len()];
        let (mut beyond, mut overlap) = (false, false);
        let placed: Vec<Patch<'_>> = patches
            .iter()
            .map(|(offset, bytes)| Patch {
                offset: offset % (handle.size() + 10),
                bytes,
            })
            .collect();
        for patch in placed.iter().filter(|patch| !patch.bytes.is_empty()) {
            let range = patch.offset as usize..patch.offset as usize + patch.bytes.len();
            match patched.get_mut(range.clone()) {
                Some(target) => {
                    target.copy_from_slice(patch.bytes);
                    overlap |= changed[range.clone()].contains(&true);
                    changed[range].fill(true);
                }
                None => beyond = true,
            }
        }
        match handle.patch(&placed) {
            Ok(made) => {
                prop_assert!(!beyond && !overlap);
                Ok(Some((made, patched)))
            }
            Err(VmoError::OutOfRange { .. }) => {
                prop_assert!(beyond);
                Ok(None)
            }
            Err(error) => {
                prop_assert!(matches!(error, VmoError::Overlap(_)) && overlap && !beyond);
                Ok(None)
            }
        }
    }

    /// Compares all bytes, some ranges, and every page as a mapping sees it.
    fn check(&self, of: usize) -> Result<(), TestCaseError> {
        let (handle, expected) = &self.objects[of];
        prop_assert_eq!(handle.size(), expected.len() as u64);
        prop_assert!(bytes(handle) == *expected, "bytes differ");
        for start in (0..expected.len()).step_by(1777) {
            let end = (start + 333).min(expected.len());
            let mut part = vec![0xee; end - start];
            handle.read(start as u64, &mut part).unwrap();
            prop_assert!(part == expected[start..end], "a range differs");
        }
        for (index, chunk) in expected.chunks(4096).enumerate() {
            let mut page = [0; 4096];
            page[..chunk.len()].copy_from_slice(chunk);
            match handle.page(index as u64).unwrap() {
                PageView::Zero => prop_assert!(page == [0; 4096]),
                PageView::Page(held) => prop_assert!(*held.bytes() == page, "a page differs"),
                PageView::Assemble => {}
                PageView::Missing(_) => prop_assert!(false, "nothing is missing"),
            }
        }
        Ok(())
    }

    /// Equal bytes have equal ids and share their pages; others differ.
    fn check_ids(&self) -> Result<(), TestCaseError> {
        let mut by_id: HashMap<Digest, &[u8]> = HashMap::new();
        for (handle, bytes) in &self.objects {
            let id = handle.id().unwrap();
            prop_assert_eq!(id, flat_id(self.store.hasher(), bytes));
            prop_assert!(
                by_id
                    .insert(id, bytes)
                    .is_none_or(|other| other == &bytes[..])
            );
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn histories_agree_with_flat_bytes(steps in prop::collection::vec(step(), 1..40)) {
        let mut model = Model { store: store(), objects: Vec::new() };
        for step in steps {
            model.take(step)?;
        }
        model.check_ids()?;
        for of in 0..model.objects.len() {
            model.check(of)?;
        }
        model.objects.clear();
        prop_assert_eq!(model.store.counts(), Counts::default());
        prop_assert_eq!(model.store.supply().live(), 0);
    }
}
