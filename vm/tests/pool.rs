//! The frame pool against a set of free frames, and the cores' caches under threads.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use proptest::prelude::*;
use vm::addr::{Frame, FrameRange, PAGES_PER_2M};
use vm::frames::{FrameError, FrameMeta, FrameTable, Use};
use vm::pool::{CoreCache, FramePool, PoolError};

#[derive(Clone, Debug)]
enum Op {
    Allocate,
    Batch(u64, usize),
    Run,
    Free(u64),
    FreeRun(u64),
    Reserve(u64, u64),
}

fn op(frames: u64) -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Allocate),
        4 => (0..frames + 200, 1..80usize).prop_map(|(from, count)| Op::Batch(from, count)),
        2 => Just(Op::Run),
        8 => (0..frames + 20).prop_map(Op::Free),
        2 => (0..frames / PAGES_PER_2M + 2).prop_map(Op::FreeRun),
        1 => (0..frames, 0..300u64).prop_map(|(at, count)| Op::Reserve(at, count)),
    ]
}

fn pools() -> impl Strategy<Value = (u64, u64, Vec<Op>)> {
    (0..2000u64, 1..5000u64).prop_flat_map(|(first, frames)| {
        (
            Just(first),
            Just(frames),
            prop::collection::vec(op(frames), 1..200),
        )
    })
}

/// Whether all 512 frames of the run that begins at `first` are in `free`.
fn whole(free: &BTreeSet<u64>, first: u64) -> bool {
    free.range(first..first + PAGES_PER_2M).count() as u64 == PAGES_PER_2M
}

fn step(pool: &mut FramePool<'_>, free: &mut BTreeSet<u64>, op: &Op) {
    let range = pool.range();
    match *op {
        Op::Allocate => match pool.allocate() {
            Some(frame) => {
                assert_eq!(free.pop_first(), Some(frame.0), "the lowest");
            }
            None => assert!(free.is_empty()),
        },
        Op::Batch(from, count) => {
            let from = range.start.0 + from;
            let mut batch = vec![Frame(0); count];
            let got = pool.allocate_batch(Frame(from), &mut batch);
            // The first free one from the word of `from` on, else of all, and those behind it in its word.
            let first = free.range(from / 64 * 64..).chain(free.iter()).next();
            let Some(first) = first.copied() else {
                return assert_eq!(got, 0);
            };
            let word = free.range(first..first / 64 * 64 + 64);
            let expected: Vec<Frame> = word.take(count).map(|frame| Frame(*frame)).collect();
            assert_eq!(batch[..got], expected);
            batch[..got]
                .iter()
                .for_each(|frame| assert!(free.remove(&frame.0)));
        }
        Op::Run => {
            let runs = (range.start.0.next_multiple_of(PAGES_PER_2M)..range.end.0)
                .step_by(PAGES_PER_2M as usize);
            let last = runs.filter(|first| whole(free, *first)).last();
            let run = pool.allocate_run();
            assert_eq!(run.map(|run| run.start.0), last, "the highest");
            run.into_iter()
                .for_each(|run| free.retain(|frame| !run.contains(Frame(*frame))));
        }
        Op::Free(at) => {
            let frame = Frame((range.start.0 + at).wrapping_sub(10));
            let expected = match frame {
                _ if !range.contains(frame) => Err(PoolError::Foreign(frame)),
                _ if free.contains(&frame.0) => Err(PoolError::DoubleFree(frame)),
                _ => Ok(()),
            };
            assert_eq!(pool.free(frame), expected);
            if expected.is_ok() {
                free.insert(frame.0);
            }
        }
        Op::FreeRun(run) => {
            let first = Frame((range.start.0 / PAGES_PER_2M + run) * PAGES_PER_2M);
            let frames = first.0..first.0 + PAGES_PER_2M;
            let expected = if !range.covers(FrameRange::at(first, PAGES_PER_2M)) {
                Err(PoolError::Foreign(first))
            } else if free.range(frames.clone()).next().is_some() {
                Err(PoolError::DoubleFree(first))
            } else {
                Ok(())
            };
            assert_eq!(pool.free_run(first), expected);
            if expected.is_ok() {
                free.extend(frames);
            }
        }
        Op::Reserve(at, count) => {
            let hole = FrameRange::at(range.start + at, count);
            pool.reserve(hole);
            free.retain(|frame| !hole.contains(Frame(*frame)));
        }
    }
    assert_eq!(pool.available(), free.len() as u64);
}

proptest! {
    #[test]
    fn a_pool_is_a_set_of_frames((first, frames, ops) in pools()) {
        let range = FrameRange::at(Frame(first), frames);
        let mut words = vec![0; FramePool::storage_words(range)];
        let mut pool = FramePool::new(range, &mut words).unwrap();
        let mut free: BTreeSet<u64> = (first..first + frames).collect();
        for op in &ops {
            step(&mut pool, &mut free, op);
        }
        while pool.allocate().is_some_and(|frame| free.remove(&frame.0)) {}
        prop_assert!(free.is_empty());
        prop_assert_eq!(pool.available(), 0);
    }
}

#[test]
fn a_tebibyte_is_handled_like_16_mebibytes() {
    for frames in [4096, 1 << 28] {
        let range = FrameRange::at(Frame(0), frames);
        let mut words = vec![0; FramePool::storage_words(range)];
        // The bitmap, and less than a thirtieth for its summaries and the runs.
        assert!(words.len() as u64 * 64 < frames + frames / 30 + 512);
        let mut pool = FramePool::new(range, &mut words).unwrap();
        let run = pool.allocate_run().unwrap();
        assert_eq!(run.end, range.end);
        // Only the last frame of the pool is free.
        pool.reserve(FrameRange::new(range.start, run.start));
        assert_eq!((pool.available(), pool.allocate()), (0, None));
        pool.free(range.end - 1).unwrap();
        assert_eq!(pool.allocate(), Some(range.end - 1));
        pool.free_run(run.start).unwrap();
        assert_eq!(pool.allocate_run(), Some(run));
    }
}

#[test]
fn storage_that_does_not_fit_is_refused() {
    let range = FrameRange::at(Frame(5), 1000);
    let mut words = vec![0; FramePool::storage_words(range) - 1];
    assert_eq!(
        FramePool::new(range, &mut words).err(),
        Some(PoolError::Storage)
    );
    let empty = FrameRange::at(Frame(5), 0);
    assert_eq!(
        FramePool::new(empty, &mut words).err(),
        Some(PoolError::Storage)
    );
}

#[test]
fn frames_freed_twice_or_elsewhere_are_caught_at_the_cache() {
    let metas: Vec<FrameMeta> = (0..100).map(|_| FrameMeta::default()).collect();
    let frames = FrameTable::new(Frame(50), &metas);
    frames.reserve(FrameRange::at(Frame(50), 10));
    let mut words = vec![0; FramePool::storage_words(frames.range())];
    let mut pool = FramePool::new(frames.range(), &mut words).unwrap();
    pool.reserve(FrameRange::at(Frame(50), 10));
    let cache = CoreCache::new();
    assert_eq!(cache.allocate(&frames, Use::Kernel), None);
    let frame = cache.refill(&mut pool, u64::MAX, &frames, Use::Kernel);
    let frame = frame.unwrap();
    assert_eq!(cache.free(&frames, frame), Ok(true));
    assert_eq!(
        cache.free(&frames, frame),
        Err(FrameError::DoubleFree(frame))
    );
    for foreign in [Frame(49), Frame(55), Frame(150)] {
        assert_eq!(
            cache.free(&frames, foreign),
            Err(FrameError::Foreign(foreign))
        );
        assert_eq!(
            cache.free(&frames, foreign),
            Err(FrameError::Foreign(foreign))
        );
    }
    assert_eq!(pool.available() + cache.available(), 90);
}

#[test]
fn cores_take_frames_from_their_own_parts() {
    let metas: Vec<FrameMeta> = (0..4096).map(|_| FrameMeta::default()).collect();
    let frames = FrameTable::new(Frame(512), &metas);
    let mut words = vec![0; FramePool::storage_words(frames.range())];
    let mut pool = FramePool::new(frames.range(), &mut words).unwrap();
    let caches = [CoreCache::new(), CoreCache::new()];
    let mut take = |cache: &CoreCache| {
        let found = cache.allocate(&frames, Use::Kernel);
        found.or_else(|| cache.refill(&mut pool, u64::MAX, &frames, Use::Kernel))
    };
    for (core, cache) in caches.iter().enumerate() {
        cache.settle(frames.range(), core, caches.len());
    }
    for _ in 0..2048 {
        let [first, second] = [0, 1].map(|core| take(&caches[core]).unwrap().0);
        assert!(
            first < 512 + 2048 && second >= 512 + 2048,
            "{first} {second}"
        );
    }
    // There is nothing else.
    assert_eq!(take(&caches[0]), None);
}

#[test]
fn caches_neither_lose_nor_duplicate_frames_under_theft() {
    const FRAMES: u64 = 300;
    let metas: Vec<FrameMeta> = (0..FRAMES).map(|_| FrameMeta::default()).collect();
    let frames = FrameTable::new(Frame(0), &metas);
    let held: Vec<AtomicBool> = (0..FRAMES).map(|_| AtomicBool::new(false)).collect();
    let mut words = vec![0; FramePool::storage_words(frames.range())];
    let pool = Mutex::new(FramePool::new(frames.range(), &mut words).unwrap());
    let caches: Vec<CoreCache> = (0..3).map(|_| CoreCache::new()).collect();
    let busy = AtomicU32::new(3);
    std::thread::scope(|scope| {
        for (core, cache) in caches.iter().enumerate() {
            let (pool, held, busy) = (&pool, &held, &busy);
            scope.spawn(move || {
                let mut mine = Vec::new();
                for round in 0..20_000usize {
                    if (round / 90 + core).is_multiple_of(2) {
                        let taken = cache.allocate(&frames, Use::Kernel).or_else(|| {
                            let pool = &mut pool.lock().unwrap();
                            cache.refill(pool, u64::MAX, &frames, Use::Kernel)
                        });
                        let Some(frame) = taken else { continue };
                        assert!(!held[frame.0 as usize].swap(true, Ordering::Relaxed));
                        mine.push(frame);
                    } else if let Some(frame) = mine.pop() {
                        held[frame.0 as usize].store(false, Ordering::Relaxed);
                        if !cache.free(&frames, frame).unwrap() {
                            cache.spill(&mut pool.lock().unwrap(), frame).unwrap();
                        }
                    }
                }
                for frame in mine {
                    held[frame.0 as usize].store(false, Ordering::Relaxed);
                    frames.retire(frame).unwrap();
                    pool.lock().unwrap().free(frame).unwrap();
                }
                busy.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while busy.load(Ordering::Relaxed) > 0 {
            for cache in &caches {
                cache.drain(&mut pool.lock().unwrap()).unwrap();
            }
            std::thread::yield_now();
        }
    });
    let cached: u64 = caches.iter().map(CoreCache::available).sum();
    assert_eq!(pool.lock().unwrap().available() + cached, FRAMES);
}

#[test]
fn who_refills_has_a_frame_whatever_others_take() {
    const FRAMES: u64 = 512;
    let metas: Vec<FrameMeta> = (0..FRAMES).map(|_| FrameMeta::default()).collect();
    let frames = FrameTable::new(Frame(0), &metas);
    let mut words = vec![0; FramePool::storage_words(frames.range())];
    let mut pool = FramePool::new(frames.range(), &mut words).unwrap();
    let cache = CoreCache::new();
    for left in (0..FRAMES).rev() {
        let own = cache.refill(&mut pool, 1 + left % 3, &frames, Use::Kernel);
        let own = own.expect("there is one left");
        // Another core that is out of memory takes what came besides.
        while let Some(taken) = cache.allocate(&frames, Use::Kernel) {
            assert_ne!(taken, own);
            frames.retire(taken).unwrap();
            pool.free(taken).unwrap();
        }
        assert_eq!(pool.available(), left);
    }
    let none = cache.refill(&mut pool, 1, &frames, Use::Kernel);
    assert_eq!(none, None);
}
