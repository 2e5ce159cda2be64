//! Places against a map of those pages that are somewhere.

use super::*;
use alloc::collections::BTreeSet;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Put(u64, Place),
    /// As an object is cut: the rest of the chunk in which the end lies, then whole chunks, the last one first.
    Cut(u64),
    Search(u64),
}

/// Pages of which many are neighbours, and some lie at the ends of chunks or far away.
fn page() -> impl Strategy<Value = u64> {
    let near = 0..4 * CHUNK;
    let edges = (0..4u64, 0..2u64).prop_map(|(chunk, back)| (chunk + 1) * CHUNK - back);
    prop_oneof![near, edges, Just(1 << 40), Just((1 << 40) + CHUNK)]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Nowhere),
        (0..100u64).prop_map(|frame| Place::Frame(Frame(frame))),
        (0..100u64).prop_map(|slot| Place::Slot(Slot(slot))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (page(), place()).prop_map(|(index, place)| Step::Put(index, place)),
        1 => page().prop_map(Step::Cut),
        2 => page().prop_map(Step::Search),
    ]
}

/// As who searches does it, chunk after chunk; at most as many looks as there are chunks.
fn search(places: &Places, mut index: u64) -> Option<u64> {
    let mut looks = 0;
    loop {
        looks += 1;
        assert!(looks <= places.0.len() + 1);
        match places.search(index)? {
            Search::Page(found) => return Some(found),
            Search::From(next) => {
                assert!(next > index);
                index = next;
            }
        }
    }
}

/// Cuts as an object does; what is given up.
fn cut(places: &mut Places, keep: u64) -> Vec<Place> {
    let mut gone: Vec<Place> = Vec::new();
    for place in places.rest_of_chunk(keep) {
        gone.push(core::mem::replace(place, Place::Nowhere));
    }
    while let Some(chunk) = places.take_last(keep) {
        gone.extend(chunk);
    }
    gone.retain(|place| *place != Place::Nowhere);
    gone
}

proptest! {
    #[test]
    fn every_page_is_where_it_was_put(steps in prop::collection::vec(step(), 0..80)) {
        let mut places = Places::new();
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(index, place) => {
                    *places.make(index).unwrap() = place;
                    if place == Place::Nowhere {
                        model.remove(&index);
                    } else {
                        model.insert(index, place);
                    }
                    prop_assert!(places.is_ready(index));
                }
                Step::Cut(keep) => {
                    let gone: BTreeSet<_> = cut(&mut places, keep).into_iter().map(key).collect();
                    let expected = model.split_off(&keep).into_values().map(key).collect();
                    prop_assert_eq!(gone, expected);
                }
                Step::Search(from) => {
                    let expected = model.range(from..).next().map(|(index, _)| *index);
                    prop_assert_eq!(search(&places, from), expected);
                }
            }
            for (index, place) in &model {
                prop_assert_eq!(places.get(*index), *place);
                prop_assert_eq!(places.get_mut(*index).copied(), Some(*place));
            }
            let chunks: BTreeSet<u64> = places.0.keys().copied().collect();
            let somewhere = chunks.iter().flat_map(|chunk| &places.0[chunk]);
            prop_assert_eq!(somewhere.filter(|place| **place != Place::Nowhere).count(), model.len());
        }
    }
}

fn key(place: Place) -> (u8, u64) {
    match place {
        Place::Nowhere => (0, 0),
        Place::Frame(frame) => (1, frame.0),
        Place::Slot(slot) => (2, slot.0),
    }
}

#[test]
fn a_cut_leaves_no_chunk_beyond_it() {
    let mut places = Places::new();
    for index in [0, CHUNK, 5 * CHUNK + 7] {
        *places.make(index).unwrap() = Place::Frame(Frame(index));
    }
    assert_eq!(
        cut(&mut places, CHUNK),
        [CHUNK, 5 * CHUNK + 7].map(|index| Place::Frame(Frame(index)))
    );
    assert!(places.is_ready(0) && !places.is_ready(CHUNK));
    assert_eq!(cut(&mut places, 0), [Place::Frame(Frame(0))]);
    assert!(places.0.is_empty());
}
