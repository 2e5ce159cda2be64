use super::answer::{Answer, Description, Onward};
use super::ask::{Ask, Place, Request, Subject, Who};
use super::exports::Exports;
use super::image::{Descriptor, Image, Item, Spot};
use super::slots::Slots;
use super::wire::{Wire, WireError};
use crate::credentials::{Groups, Identity};
use crate::stat::{Stat, Time};
use alloc::vec::Vec;
use core::fmt::Debug;
use proptest::collection::vec;
use proptest::prelude::*;

fn place() -> impl Strategy<Value = Place> {
    (
        any::<u64>(),
        vec(any::<u8>(), 0..40),
        any::<u32>(),
        any::<bool>(),
    )
        .prop_map(|(base, rest, links, follow)| Place {
            base,
            rest,
            links,
            follow,
        })
}

fn time() -> impl Strategy<Value = Option<Time>> {
    proptest::option::of(
        (any::<u64>(), any::<u32>()).prop_map(|(seconds, nanos)| Time { seconds, nanos }),
    )
}

fn request() -> impl Strategy<Value = Request> {
    let position = proptest::option::of(any::<u64>());
    prop_oneof![
        Just(Request::Stat),
        Just(Request::Map),
        Just(Request::RemoveDirectory),
        (
            proptest::option::of(any::<u32>()),
            proptest::option::of(any::<u32>())
        )
            .prop_map(|(uid, gid)| Request::SetOwner { uid, gid }),
        (time(), time(), any::<bool>()).prop_map(|(atime, mtime, to_now)| Request::SetTimes {
            atime,
            mtime,
            to_now
        }),
        vec(any::<u8>(), 0..40).prop_map(|text| Request::MakeLink { text }),
        (any::<i64>(), any::<u32>()).prop_map(|(offset, whence)| Request::Seek { offset, whence }),
        (any::<u32>(), any::<u64>(), vec(any::<u8>(), 0..40)).prop_map(
            |(request, argument, input)| Request::Control {
                request,
                argument,
                input
            }
        ),
        (any::<u32>(), any::<u64>(), position).prop_map(|(len, total, position)| Request::Write {
            len,
            total,
            position
        }),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let subject = prop_oneof![
        any::<u64>().prop_map(|number| Subject::File { number }),
        place().prop_map(|place| Subject::Path { place }),
    ];
    prop_oneof![
        (subject, request()).prop_map(|(subject, request)| Ask::About { subject, request }),
        (place(), place(), any::<bool>()).prop_map(|(from, to, keep)| Ask::Rename {
            from,
            to,
            keep
        }),
        (place(), place()).prop_map(|(from, to)| Ask::Link { from, to }),
        (vec((any::<u64>(), any::<u16>()), 0..9), any::<bool>())
            .prop_map(|(files, wait)| Ask::Poll { files, wait }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        any::<u64>().prop_map(|value| Answer::Done { value }),
        (any::<u64>(), any::<bool>())
            .prop_map(|(number, sealed)| Answer::Object { number, sealed }),
        (any::<u64>(), any::<u32>(), any::<(u32, u32)>()).prop_map(|(size, mode, special)| {
            let stat = Stat {
                size,
                mode,
                special,
                ..Stat::default()
            };
            Answer::Stat { stat }
        }),
        vec(any::<u8>(), 0..40).prop_map(|bytes| Answer::Bytes { bytes }),
        (
            any::<u64>(),
            any::<u32>(),
            proptest::option::of(any::<u32>())
        )
            .prop_map(|(number, kind, archive)| {
                let description = Description {
                    kind,
                    flags: !kind,
                    archive,
                    bound: kind % 2 == 1,
                };
                Answer::Opened {
                    number,
                    description,
                }
            }),
        vec(any::<u16>(), 0..9).prop_map(|events| Answer::Ready { events }),
        (any::<bool>(), onward()).prop_map(|(second, onward)| Answer::Elsewhere { second, onward }),
        Just(Answer::Cancelled),
    ]
}

fn onward() -> impl Strategy<Value = Onward> {
    let from = proptest::option::of(any::<(u32, u64)>());
    (from, vec(any::<u8>(), 0..40), any::<u32>()).prop_map(|(from, rest, links)| Onward {
        from,
        rest,
        links,
    })
}

fn item() -> impl Strategy<Value = Item> {
    let description = (
        any::<u32>(),
        any::<u32>(),
        proptest::option::of(any::<u32>()),
        any::<bool>(),
    )
        .prop_map(|(kind, flags, archive, bound)| Description {
            kind,
            flags,
            archive,
            bound,
        });
    let spot = prop_oneof![
        any::<u32>().prop_map(|node| Spot::Archive { node }),
        Just(Spot::Devices),
        any::<u32>().prop_map(|index| Spot::Device { index }),
    ];
    prop_oneof![
        (spot, any::<u32>(), any::<u64>()).prop_map(|(spot, flags, offset)| Item::Own {
            spot,
            flags,
            offset
        }),
        (any::<u32>(), any::<u64>(), description).prop_map(|(home, number, description)| {
            Item::Remote {
                home,
                number,
                description,
            }
        }),
    ]
}

fn image() -> impl Strategy<Value = Image> {
    let descriptor =
        (any::<i32>(), any::<u32>(), any::<bool>()).prop_map(|(fd, file, close_on_exec)| {
            Descriptor {
                fd,
                file,
                close_on_exec,
            }
        });
    let executable = proptest::option::of((vec(any::<u8>(), 0..20), item()));
    let lists = (vec(item(), 0..5), vec(descriptor, 0..5));
    (lists, item(), any::<u32>(), executable).prop_map(
        |((files, descriptors), directory, umask, executable)| Image {
            files,
            descriptors,
            directory,
            umask,
            executable,
        },
    )
}

/// The value comes back, and no part of its bytes is a value; whatever the bytes, reading them is no panic.
fn travels<T: Wire + PartialEq + Debug>(value: &T, noise: &[u8]) -> Result<(), TestCaseError> {
    let bytes = value.to_bytes().unwrap();
    prop_assert_eq!(&T::from_bytes(&bytes).unwrap(), value);
    for end in 0..bytes.len() {
        prop_assert!(T::from_bytes(&bytes[..end]).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    prop_assert_eq!(T::from_bytes(&longer), Err(WireError::Rest(1)));
    let mut damaged = bytes;
    for (byte, noise) in damaged.iter_mut().zip(noise) {
        *byte ^= noise;
    }
    let _ = T::from_bytes(&damaged);
    let _ = T::from_bytes(noise);
    Ok(())
}

proptest! {
    #[test]
    fn questions_travel(ask in ask(), noise in vec(any::<u8>(), 0..80)) {
        travels(&ask, &noise)?;
    }

    #[test]
    fn answers_travel(answer in answer(), noise in vec(any::<u8>(), 0..80)) {
        travels(&answer, &noise)?;
    }

    #[test]
    fn images_travel(image in image(), noise in vec(any::<u8>(), 0..80)) {
        travels(&image, &noise)?;
    }

    #[test]
    fn askers_travel(user: u32, group: i32, session: i32, leads: bool, file_limit: u64, deaf_to_input: bool, deaf_to_output: bool, groups in vec(any::<u32>(), 0..5)) {
        let groups = Groups::new(groups).unwrap();
        let identity = Identity { user, group: !user, groups };
        travels(&Who { identity, file_limit, group, session, leads, deaf_to_input, deaf_to_output }, &[])?;
    }

    /// A file is let go with the last hold, in whatever order news of them comes, provided each holder tells of the next one
    /// before it lets go itself.
    #[test]
    fn files_stay_while_somebody_holds_them(route in vec(0usize..4, 1..8), picks in vec(any::<usize>(), 32)) {
        let mut exports = Exports::<&str, 4>::new();
        let number = exports.add("file", route[0]).unwrap();
        // Each torus says this, in its order: it tells of the next holder, then lets go.
        let mut news: Vec<Vec<(usize, i32)>> = (0..4).map(|_| Vec::new()).collect();
        for pair in route.windows(2) {
            news[pair[0]].push((pair[1], 1));
            news[pair[0]].push((pair[0], -1));
        }
        let last = route[route.len() - 1];
        news[last].push((last, -1));
        let total: usize = news.iter().map(Vec::len).sum();
        let mut picks = picks.iter();
        for done in 1..=total {
            let speakers: Vec<usize> = (0..4).filter(|&torus| !news[torus].is_empty()).collect();
            let torus = speakers[picks.next().unwrap() % speakers.len()];
            let (holder, change) = news[torus].remove(0);
            prop_assert_eq!(exports.hold(number, holder, change).is_some(), done == total);
        }
        prop_assert!(exports.get(number).is_none());
        prop_assert_eq!(exports.hold(number, 0, 1), None);
        prop_assert!(exports.is_empty());
    }
}

#[test]
fn nonsense_is_told() {
    assert_eq!(
        Answer::from_bytes(&[99]),
        Err(WireError::Value { at: 0, found: 99 })
    );
    assert_eq!(
        bool::from_bytes(&[2]),
        Err(WireError::Value { at: 0, found: 2 })
    );
    assert_eq!(
        Vec::<u8>::from_bytes(&[255, 255, 255, 255, 0]),
        Err(WireError::Short(5))
    );
}

#[test]
fn numbers_are_not_used_again() {
    let mut slots = Slots::new();
    let first = slots.insert('a').unwrap();
    let second = slots.insert('b').unwrap();
    assert!(first != second && first >= 1 << 24);
    assert_eq!(slots.remove(first), Some('a'));
    let third = slots.insert('c').unwrap();
    assert_ne!(first, third);
    assert_eq!((slots.get(first), slots.get(third)), (None, Some(&'c')));
    assert_eq!(slots.remove(first), None);
    assert_eq!(slots.get_mut(second).copied(), Some('b'));
    assert_eq!(slots.len(), 2);
}
