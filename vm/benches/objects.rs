//! What memory objects cost, beside a plain copy and a flat SHA-256 of the same bytes.
//!
//! `cargo bench -p vm-benches`. The counts of hash compressions are printed first: they do not vary.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest as _, Sha256};
use vm::hash::{Hasher, PairHash, Portable};
use vm::store::VmoStore;
use vm::vmo::page::HeapPages;
use vm::vmo::{Patch, VmoHandle};

type Store = VmoStore<HeapPages>;
type Handle = VmoHandle<HeapPages>;

const MIB: usize = 1 << 20;
const EXTENTS: usize = 10_000;
const READS: usize = 1000;
const READ_LEN: usize = 100;

fn store() -> Store {
    VmoStore::new(HeapPages::unlimited(), Hasher::host())
}

/// Pseudo-random bytes (xorshift64).
fn noise(len: usize) -> Vec<u8> {
    let mut x = 1u64;
    let words = std::iter::repeat_with(|| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x.to_le_bytes()
    });
    words.flatten().take(len).collect()
}

fn report_compressions() {
    let store = store();
    let count = |what: &str, work: &dyn Fn()| {
        let before = store.hasher().compressions();
        work();
        println!(
            "compressions: {what}: {}",
            store.hasher().compressions() - before
        );
    };
    let content = noise(64 * MIB);
    let object = store.from_bytes(&content).unwrap();
    count("id of 64 MiB", &|| {
        black_box(object.id().unwrap());
    });
    count("id of a copy patched in one page", &|| {
        black_box(patched(&object).id().unwrap());
    });
    let sparse = store.zeros(1 << 30).unwrap();
    sparse.id().unwrap();
    count("id of a sparse GiB patched in one page", &|| {
        black_box(patched(&sparse).id().unwrap());
    });
    println!(
        "compressions: flat SHA-256 of 64 MiB: {}",
        64 * MIB / 64 + 1
    );
}

fn patched(object: &Handle) -> Handle {
    object
        .patch(&[Patch {
            offset: 40 * MIB as u64 + 5,
            bytes: &[1; 100],
        }])
        .unwrap()
}

fn commit(c: &mut Criterion) {
    report_compressions();
    let content = noise(64 * MIB);
    let mut group = c.benchmark_group("64 MiB");
    group
        .throughput(Throughput::Bytes(content.len() as u64))
        .sample_size(10);
    group.bench_function("commit", |b| {
        b.iter(|| store().from_bytes(black_box(&content)).unwrap());
    });
    group.bench_function("id after commit", |b| {
        let make = || store().from_bytes(&content).unwrap();
        b.iter_batched(make, |object| object.id().unwrap(), BatchSize::PerIteration);
    });
    group.bench_function("plain copy", |b| b.iter(|| black_box(&content).to_vec()));
    group.bench_function("flat SHA-256", |b| {
        b.iter(|| Sha256::digest(black_box(&content)))
    });
    group.finish();
}

fn pages(c: &mut Criterion) {
    let page = noise(4096).try_into().unwrap();
    let host = Hasher::host();
    let mut group = c.benchmark_group("page root");
    group.throughput(Throughput::Bytes(4096));
    group.bench_function(host.backend(), |b| {
        b.iter(|| host.page_root(black_box(&page)))
    });
    let portable = Hasher::new(&Portable);
    group.bench_function(Portable.name(), |b| {
        b.iter(|| portable.page_root(black_box(&page)))
    });
    group.bench_function("flat SHA-256", |b| {
        b.iter(|| Sha256::digest(black_box(&page)))
    });
    group.finish();
}

fn patch(c: &mut Criterion) {
    let store = store();
    let sparse = store.zeros(1 << 30).unwrap();
    sparse.id().unwrap();
    let flat = vec![0u8; 1 << 30];
    let mut group = c.benchmark_group("one page of a sparse GiB");
    group.sample_size(10);
    group.bench_function("patch", |b| b.iter(|| patched(&sparse)));
    group.bench_function("patch and id", |b| {
        b.iter(|| patched(&sparse).id().unwrap())
    });
    group.bench_function("plain copy", |b| b.iter(|| black_box(&flat).to_vec()));
    group.bench_function("flat SHA-256", |b| {
        b.iter(|| Sha256::digest(black_box(&flat)))
    });
    group.finish();
}

/// An object of [`EXTENTS`] parts of pages, none of which begins at a page border of the whole, and its bytes.
fn many_extents() -> (Handle, Vec<u8>) {
    let store = store();
    let source = store.from_bytes(&noise(8 * MIB)).unwrap();
    let mut joined = store.zeros(1).unwrap();
    for index in 0..EXTENTS as u64 - 1 {
        let start = index * 7919 % (8 * MIB as u64 - 3000);
        joined = joined
            .concat(&source.slice(start..start + 1500 + index % 1000).unwrap())
            .unwrap();
    }
    let mut bytes = vec![0; joined.size() as usize];
    joined.read(0, &mut bytes).unwrap();
    (joined, bytes)
}

fn reads(c: &mut Criterion) {
    let (object, bytes) = many_extents();
    let offsets: Vec<usize> = noise(8 * READS)
        .as_chunks()
        .0
        .iter()
        .map(|word| u64::from_le_bytes(*word) as usize % (bytes.len() - READ_LEN))
        .collect();
    let mut out = [0; READ_LEN];
    let mut group = c.benchmark_group("1000 random reads of 100 bytes");
    group.throughput(Throughput::Elements(READS as u64));
    group.bench_function("through 10,000 extents", |b| {
        b.iter(|| {
            offsets
                .iter()
                .for_each(|&at| object.read(at as u64, black_box(&mut out)).unwrap())
        });
    });
    group.bench_function("plain copy", |b| {
        b.iter(|| {
            let read = |&at: &usize| black_box(&mut out).copy_from_slice(&bytes[at..at + READ_LEN]);
            offsets.iter().for_each(read);
        });
    });
    object.id().unwrap();
    group.bench_function("after the id was asked for", |b| {
        b.iter(|| {
            offsets
                .iter()
                .for_each(|&at| object.read(at as u64, black_box(&mut out)).unwrap())
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = commit, pages, patch, reads
}
criterion_main!(benches);
