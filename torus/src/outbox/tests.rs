use super::*;
use alloc::collections::VecDeque;
use proptest::prelude::*;

fn line(number: u64) -> Line {
    Line([number; 8])
}

fn pool(bounds: Bounds) -> Pool {
    let blocks: Vec<Block> = (0..bounds.blocks()).map(|_| Block::default()).collect();
    Pool::new(Box::leak(blocks.into_boxed_slice()), bounds)
}

const BOUNDS: Bounds = Bounds {
    work: 8,
    deliveries: 12,
    operation: 5,
    cores: 3,
};

/// One step of a torus.
#[derive(Clone, Debug)]
enum Step {
    /// A core looks whether it may go on with work.
    Begin(usize),
    /// A core that may posts so many lines.
    Post(usize, usize, usize),
    /// A line is delivered, which posts so many.
    Deliver(usize, usize),
    /// A ring takes so many.
    Send(usize, usize),
    /// A thing comes to be that two operations may tell of at once: one of work, and a delivery.
    Make,
    /// One is told of, by a core or by a delivery, and ends in the same operation.
    End(Option<usize>, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cores = 0..BOUNDS.cores;
    let step = prop_oneof![
        cores.clone().prop_map(Step::Begin),
        (cores.clone(), 0..3_usize, 1..6_usize)
            .prop_map(|(core, queue, lines)| Step::Post(core, queue, lines)),
        (0..3_usize, 0..6_usize).prop_map(|(queue, lines)| Step::Deliver(queue, lines)),
        (0..3_usize, 0..8_usize).prop_map(|(queue, lines)| Step::Send(queue, lines)),
        Just(Step::Make),
        (proptest::option::of(cores), 0..3_usize).prop_map(|(core, queue)| Step::End(core, queue)),
    ];
    prop::collection::vec(step, 1..400)
}

/// Three queues of a pool, and what they are to hold.
struct Model {
    pool: Pool,
    queues: [Queue; 3],
    lines: [VecDeque<u64>; 3],
    number: u64,
}

impl Model {
    fn post(&mut self, queue: usize, cause: Cause) -> Result<(), NoMemory> {
        let pushed = self
            .pool
            .push(&mut self.queues[queue], line(self.number), cause);
        self.lines[queue].push_back(self.number);
        self.number += 1;
        pushed
    }

    fn send(&mut self, queue: usize, count: usize) {
        let mut lines = [Line::default(); 32];
        let found = self
            .pool
            .front(&self.queues[queue], &mut lines[..count.min(32)]);
        let wanted = self.lines[queue].drain(..found);
        assert!(
            lines
                .iter()
                .zip(wanted)
                .all(|(seen, number)| *seen == line(number))
        );
        self.pool.pop(&mut self.queues[queue], found);
    }
}

proptest! {
    /// Whatever cores, deliveries and rings do within the bounds, who posts finds a place, and lines keep their order.
    #[test]
    fn there_is_a_place_for_whatever_is_posted(steps in steps()) {
        let queues = [Queue::new(), Queue::new(), Queue::new()];
        let mut model = Model { pool: pool(BOUNDS), queues, lines: Default::default(), number: 0 };
        // Lines that each core may still post before it looks again, and things that are there.
        let (mut left, mut things) = ([0; BOUNDS.cores], 0);
        for step in steps {
            match step {
                Step::Begin(core) => {
                    // A core that may not begin has nothing under way.
                    left[core] = if model.pool.admits(Cause::Work) { BOUNDS.operation } else { 0 };
                }
                Step::Post(core, queue, lines) => {
                    for _ in 0..lines.min(left[core]) {
                        left[core] -= 1;
                        prop_assert_eq!(model.post(queue, Cause::Work), Ok(()));
                    }
                }
                Step::Deliver(queue, lines) if model.pool.admits(Cause::Delivery) => {
                    for _ in 0..lines.min(BOUNDS.operation) {
                        prop_assert_eq!(model.post(queue, Cause::Delivery), Ok(()));
                    }
                }
                Step::Deliver(..) => {}
                Step::Send(queue, count) => model.send(queue, count),
                Step::Make => {
                    model.pool.reserve(2).unwrap();
                    things += 1;
                }
                Step::End(core, queue) if things > 0 => {
                    let cause = match core {
                        None if model.pool.admits(Cause::Delivery) => Cause::Delivery,
                        Some(core) if left[core] > 0 => Cause::Work,
                        _ => continue,
                    };
                    prop_assert_eq!(model.post(queue, cause), Ok(()));
                    model.pool.release(2);
                    things -= 1;
                }
                Step::End(..) => {}
            }
            let waiting = model.lines.iter().map(VecDeque::len).sum::<usize>();
            prop_assert_eq!(model.pool.used(), waiting);
        }
        for queue in 0..3 {
            while !model.queues[queue].is_empty() {
                model.send(queue, 32);
            }
        }
        model.pool.release(2 * things);
        model.pool.shrink();
        prop_assert_eq!((model.pool.used(), model.pool.reserved), (0, 0));
    }
}

#[test]
fn what_was_reserved_is_sent_without_memory() {
    let mut pool = pool(BOUNDS);
    let mut queue = Queue::new();
    pool.reserve(100).unwrap();
    let blocks = pool.more.len();
    let all = BOUNDS.blocks() * BLOCK + 100;
    for number in 0..all as u64 {
        pool.push(&mut queue, line(number), Cause::Work).unwrap();
    }
    assert_eq!(pool.more.len(), blocks);
    pool.release(100);
    // Lines that wait may be about what was given up.
    assert_eq!(pool.more.len(), blocks);
    pool.pop(&mut queue, all);
    pool.shrink();
    assert_eq!((pool.more.capacity(), pool.used()), (0, 0));
}

#[test]
fn deliveries_are_held_back_until_there_is_memory_or_room() {
    let mut pool = pool(BOUNDS);
    let mut queue = Queue::new();
    while pool.admits(Cause::Delivery) {
        pool.push(&mut queue, line(0), Cause::Delivery).unwrap();
    }
    assert_eq!(pool.used(), BOUNDS.deliveries + 1);
    assert!(pool.admits(Cause::Work));
    pool.widen().unwrap();
    assert!(pool.admits(Cause::Delivery));
    pool.pop(&mut queue, usize::MAX);
    pool.shrink();
    assert_eq!((pool.extra, pool.more.len()), (0, 0));
}

/// Tori whose processes ask each other by way of a third, through rings of two lines.
mod tori {
    use super::*;
    use crate::ring::Ring;
    use crate::ring::{Bell, Receiver, Sender};

    const TORI: usize = 3;
    const RING: usize = 2;
    /// Processes of a torus, each of which has one question under way.
    const PROCESSES: usize = 20;

    struct Torus<'a> {
        pool: Pool,
        exits: Vec<(Queue, Sender<'a, RING>)>,
        inlets: Vec<Receiver<'a, RING>>,
        /// Which of its processes wait, and how many answers have come.
        asking: [bool; PROCESSES],
        answers: usize,
    }

    impl Torus<'_> {
        fn post(&mut self, to: usize, words: [u64; 3], cause: Cause) {
            let mut line = Line::default();
            line.0[..3].copy_from_slice(&words);
            let pushed = self.pool.push(&mut self.exits[to].0, line, cause);
            assert_eq!(pushed, Ok(()));
        }

        fn flush(&mut self) {
            for (queue, sender) in &mut self.exits {
                let mut lines = [Line::default(); RING];
                let count = self.pool.front(queue, &mut lines);
                let (sent, _) = sender.send_batch(&lines[..count]);
                self.pool.pop(queue, sent);
            }
        }

        /// Takes a line from a ring, unless that has to wait. Words: who asks, for whom, and how far it has come.
        fn deliver(&mut self, own: usize, from: usize) -> bool {
            if !self.pool.admits(Cause::Delivery) {
                return false;
            }
            let mut line = [Line::default()];
            if self.inlets[from].receive(&mut line).0 == 0 {
                return false;
            }
            let [asker, process, step, ..] = line[0].0;
            // Asker, birth torus, host, birth torus, asker: as signals and their answers go.
            let next = (own + 1) % TORI;
            match step {
                0 => self.post(next, [asker, process, 1], Cause::Delivery),
                1 | 2 => {
                    let to = if step == 1 { next } else { asker as usize };
                    self.post(to, [asker, process, step + 1], Cause::Delivery);
                }
                _ => {
                    assert_eq!(asker, own as u64);
                    self.asking[process as usize] = false;
                    self.answers += 1;
                }
            }
            true
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// With both rings and outboxes full, nothing fails and everybody is answered.
        #[test]
        fn tori_that_fill_each_other_go_on(mut seed in any::<u64>()) {
            let mut random = move |below: usize| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                (seed % below as u64) as usize
            };
            let bells: Vec<Bell> = (0..TORI).map(|_| Bell::new()).collect();
            let mut rings: Vec<Vec<Ring<RING>>> = (0..TORI)
                .map(|_| (0..TORI).map(|_| Ring::new()).collect())
                .collect();
            // From each, to each.
            let mut ends: Vec<VecDeque<_>> = rings
                .iter_mut()
                .map(|row| row.iter_mut().zip(&bells).map(|(ring, bell)| ring.split(bell)).collect())
                .collect();
            let mut tori: Vec<Torus<'_>> = Vec::new();
            let mut inlets: Vec<Vec<_>> = (0..TORI).map(|_| Vec::new()).collect();
            let mut exits: Vec<Vec<_>> = Vec::new();
            for row in &mut ends {
                let mut out = Vec::new();
                for (to, (sender, receiver)) in row.drain(..).enumerate() {
                    out.push((Queue::new(), sender));
                    inlets[to].push(receiver);
                }
                exits.push(out);
            }
            for (exits, inlets) in exits.into_iter().zip(inlets) {
                let deliveries = TORI * PROCESSES;
                let bounds = Bounds { work: 3, deliveries, operation: 1, cores: 1 };
                let pool = pool(bounds);
                tori.push(Torus { pool, exits, inlets, asking: [false; PROCESSES], answers: 0 });
            }
            const ROUNDS: usize = 20_000;
            for round in 0.. {
                let own = random(TORI);
                let torus = &mut tori[own];
                match random(8) {
                    0 => torus.flush(),
                    1 => {
                        torus.deliver(own, random(TORI));
                    }
                    _ if round < ROUNDS => {
                        let process = random(PROCESSES);
                        if !torus.asking[process] && torus.pool.admits(Cause::Work) {
                            torus.asking[process] = true;
                            torus.post((own + 1) % TORI, [own as u64, process as u64, 0], Cause::Work);
                        }
                    }
                    _ => {}
                }
                let over = tori.iter().all(|torus| !torus.asking.contains(&true));
                if round >= ROUNDS && over {
                    break;
                }
                prop_assert!(round < 20 * ROUNDS, "nobody gets on");
            }
            prop_assert!(tori.iter().all(|torus| torus.answers > PROCESSES && torus.pool.used() == 0));
        }
    }
}
