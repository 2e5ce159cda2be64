//! Known-answer vectors: where they are and how their fills are read (`vectors/README.md`).

use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;
use vm::hash::{Digest, PageBytes};

/// Every vector file: those of the project, then those named by `BRAID_VECTORS` (files or folders, separated by colons).
pub(crate) fn files() -> Vec<(PathBuf, Value)> {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"));
    let named = env::var_os("BRAID_VECTORS").unwrap_or_default();
    let named = env::split_paths(&named).filter(|path| !path.as_os_str().is_empty());
    std::iter::once(own)
        .chain(named)
        .flat_map(expand)
        .map(|path| (path.clone(), load(&path)))
        .collect()
}

fn expand(path: PathBuf) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path];
    }
    let entries = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect()
}

fn load(path: &PathBuf) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The list under `key` in every file that has it.
pub(crate) fn cases(key: &str) -> Vec<Value> {
    let lists = files()
        .into_iter()
        .filter_map(|(_, file)| file[key].as_array().cloned());
    let cases: Vec<Value> = lists.flatten().collect();
    assert!(!cases.is_empty(), "no vectors with {key}");
    cases
}

/// The digest in `value`.
pub(crate) fn digest(value: &Value) -> Digest {
    let bytes = unhex(value.as_str().unwrap());
    Digest(bytes.try_into().unwrap())
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The first `len` bytes of a fill whose number is raised by `raise`.
pub(crate) fn fill(spec: &Value, raise: u64, len: usize) -> Vec<u8> {
    let number = |key: &str| spec[key].as_u64();
    let offset = number("offset").unwrap_or(0) as usize;
    let stored = number("len").map_or(len, |stored| (stored as usize).min(len));
    let end = offset + stored;
    let stream: Vec<u8> = match spec["kind"].as_str().unwrap() {
        "repeat" => vec![(number("byte").unwrap() + raise) as u8; end],
        "counter" => (0..end as u64)
            .map(|i| (number("start").unwrap() + raise + i) as u8)
            .collect(),
        "hex" => {
            let mut bytes = unhex(spec["prefix"].as_str().unwrap());
            bytes.resize(end, 0);
            bytes
        }
        "at" => {
            let mut bytes = vec![0; end];
            let pos = number("pos").unwrap() as usize;
            if let Some(byte) = bytes.get_mut(pos) {
                *byte = number("byte").unwrap() as u8;
            }
            bytes
        }
        "xorshift64" => xorshift64(number("seed").unwrap() + raise, end),
        kind => panic!("unknown fill {kind}"),
    };
    let mut bytes = stream[offset..end].to_vec();
    bytes.resize(len, 0);
    bytes
}

/// The first `len` bytes of the xorshift64 sequence of `seed`.
pub(crate) fn xorshift64(seed: u64, len: usize) -> Vec<u8> {
    let mut x = seed;
    let words = std::iter::repeat_with(|| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x.to_le_bytes()
    });
    words.flatten().take(len).collect()
}

/// The fill as one page.
pub(crate) fn page(spec: &Value, raise: u64) -> PageBytes {
    fill(spec, raise, 4096).try_into().unwrap()
}

/// The named pages of a case, runs expanded.
pub(crate) fn pages(case: &Value) -> Vec<(u64, PageBytes)> {
    let entries = case["pages"].as_array().unwrap().iter();
    let runs = entries.flat_map(|entry| {
        let index = entry["index"].as_u64().unwrap();
        let count = entry["count"].as_u64().unwrap_or(1);
        let step = entry["step"].as_u64().unwrap_or(0);
        (0..count).map(move |k| (index + k, page(&entry["fill"], k * step)))
    });
    runs.collect()
}
