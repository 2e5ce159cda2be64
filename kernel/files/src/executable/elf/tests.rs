extern crate std;
use std::prelude::rust_2024::*;
use std::vec;

use super::{
    ENTRY, Header, HeaderError, Interpreter, PAGE, Part, Plan, PlanError, Rights, Table, Within,
};
use proptest::prelude::*;

const CEILING: u64 = 0x7fff_ffff_f000;
const BASE: u64 = 0x5555_5555_4000;

/// Kind, flags, offset, address, bytes in the file, bytes in memory, alignment.
type Entry = (u32, u32, u64, u64, u64, u64, u64);

fn header(kind: u16, count: u16) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..4].copy_from_slice(b"\x7fELF");
    bytes[16..18].copy_from_slice(&kind.to_le_bytes());
    bytes[18..20].copy_from_slice(&62_u16.to_le_bytes());
    bytes[24..32].copy_from_slice(&0x40_1000_u64.to_le_bytes());
    bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
    bytes[54..56].copy_from_slice(&(ENTRY as u16).to_le_bytes());
    bytes[56..58].copy_from_slice(&count.to_le_bytes());
    bytes
}

fn table(entries: &[Entry]) -> Vec<u8> {
    let words = |&(kind, flags, offset, address, file, size, align): &Entry| {
        let head = [kind.to_le_bytes(), flags.to_le_bytes()].concat();
        let rest = [offset, address, address, file, size, align].map(u64::to_le_bytes);
        [head, rest.concat()].concat()
    };
    entries.iter().flat_map(words).collect()
}

fn plan_of(kind: u16, entries: &[Entry], file_len: u64) -> Result<Plan, PlanError> {
    let header = Header::parse(&header(kind, entries.len() as u16)).expect("a good header");
    let within = Within {
        file_len,
        base: BASE,
        ceiling: CEILING,
    };
    Table::new(header, &table(entries)).plan(&within, || {})
}

fn part(address: u64, len: u64, offset: impl Into<Option<u64>>, rights: u32) -> Part {
    Part {
        address,
        len,
        offset: offset.into(),
        rights: Rights::from_bits_truncate(rights),
    }
}

fn tails(plan: &Plan) -> Vec<(u64, u64)> {
    plan.tails
        .iter()
        .map(|tail| (tail.address, tail.len))
        .collect()
}

#[test]
fn bytes_tail_and_zeros_of_a_segment() {
    let plan = plan_of(2, &[(1, 6, 0x100, 0x40_0100, 0x800, 0x2000, PAGE)], 0x900).unwrap();
    let expected = [
        part(0x40_0000, PAGE, 0, 6),
        part(0x40_1000, 0x2000, None, 6),
    ];
    assert_eq!(plan.parts, expected);
    assert_eq!(tails(&plan), [(0x40_0900, 0x700)]);
    assert_eq!(plan.end, 0x40_2100);
    assert_eq!(plan.headers, 0);
}

#[test]
fn zeros_can_be_written_whatever_the_segment_says() {
    let plan = plan_of(2, &[(1, 4, 0, 0x40_0000, 16, 0x1800, 0)], 16).unwrap();
    assert_eq!(plan.parts[1], part(0x40_1000, PAGE, None, 6));
    assert_eq!(tails(&plan), []);
}

#[test]
fn segments_in_any_order_and_over_each_other() {
    let entries = [
        (1, 6, 0, 0x50_0000, 16, 32, 0),
        (1, 5, 0, 0x40_0000, 0x1000, 0x1000, 0),
        (1, 4, 0, 0x50_0000, 16, 16, 0),
    ];
    let plan = plan_of(2, &entries, PAGE).unwrap();
    assert_eq!(plan.parts.len(), 3);
    assert_eq!(tails(&plan), [], "the last segment hides it");
    assert_eq!(plan.end, 0x50_0020);
    assert_eq!(plan.headers, 0x40_0040);
    let plan = plan_of(2, &entries[..2], PAGE).unwrap();
    assert_eq!(tails(&plan), [(0x50_0010, 0xff0)]);
}

#[test]
fn segments_beyond_the_end_of_the_file() {
    assert!(plan_of(2, &[(1, 4, 0x5000, 0x40_0000, 16, 16, 0)], 100).is_ok());
    assert!(plan_of(2, &[(1, 4, 0x5000, 0x40_0000, 16, 32, 0)], 100).is_ok());
    let written = plan_of(2, &[(1, 6, 0x5000, 0x40_0000, 16, 32, 0)], 100);
    assert!(matches!(written, Err(PlanError::Unloadable(_))));
}

#[test]
fn programs_of_no_fixed_address() {
    let entries = [
        (1, 5, 0, 0x1000, 64, 64, 0x20_0000),
        (1, 6, 0, 0, 64, 64, 3),
    ];
    let plan = plan_of(3, &entries, PAGE).unwrap();
    let first = BASE & !0x1f_ffff;
    assert_eq!(plan.parts[0].address, first);
    assert_eq!(plan.parts[1].address, first - 0x1000);
    assert_eq!(plan.entry, first + 0x40_0000);
}

#[test]
fn what_ends_the_process() {
    let ends = |entry: Entry| {
        assert!(
            matches!(plan_of(2, &[entry], PAGE), Err(PlanError::Unloadable(_))),
            "{entry:?}"
        )
    };
    ends((1, 5, 0, CEILING, 0, 0, 0));
    ends((1, 5, 0, 0x40_0000, 2, 1, 0));
    ends((1, 5, 1, 0x40_0000, 1, 1, 0));
    ends((1, 5, 0, 0x40_0000, 0, CEILING, 0));
    ends((1, 5, u64::MAX - 0xfff, 0x40_0000, 1, 1, 0));
    assert_eq!(
        plan_of(2, &[(1, 5, 7, 0x40_0000, 0, 0, 0)], PAGE)
            .unwrap()
            .parts,
        []
    );
}

#[test]
fn headers() {
    assert_eq!(Header::parse(b"text"), Err(HeaderError::NotElf));
    assert_eq!(Header::parse(b"\x7fELF"), Err(HeaderError::WrongMachine));
    assert!(matches!(
        Header::parse(&header(2, 0)),
        Err(HeaderError::Malformed(_))
    ));
    assert!(matches!(
        Header::parse(&header(2, 1171)),
        Err(HeaderError::Malformed(_))
    ));
    let parsed = Header::parse(&header(2, 1170)).unwrap();
    assert_eq!(parsed.table_bytes(), 65520);
    let bytes = table(&[(3, 4, 0x200, 0, 28, 28, 1)]);
    let wanted = Table::new(parsed, &bytes).interpreter();
    assert_eq!(
        wanted,
        Ok(Some(Interpreter {
            offset: 0x200,
            len: 28
        }))
    );
    let bytes = table(&[(3, 4, 0x200, 0, 1, 1, 1)]);
    assert!(Table::new(parsed, &bytes).interpreter().is_err());
}

fn entry() -> impl Strategy<Value = Entry> {
    (0..6_u64, 0..6_u64, 0..0x3000_u64, 0..0x3000_u64, 0..8_u32).prop_map(
        |(offset, address, file, more, flags)| {
            (
                1,
                flags,
                offset * PAGE,
                0x40_0000 + address * PAGE,
                file,
                file + more,
                0,
            )
        },
    )
}

proptest! {
    /// A tail zeroes bytes of the file part that is on top there, whichever parts are mapped over each other.
    #[test]
    fn a_tail_is_zeroed_where_its_bytes_are_seen(entries in proptest::collection::vec(entry(), 1..8)) {
        let plan = plan_of(2, &entries, 1 << 20).unwrap();
        let mut expected = Vec::new();
        for (index, part) in plan.parts.iter().enumerate() {
            let later = || plan.parts[index + 1..].iter();
            let last = part.address + part.len - PAGE;
            let hidden = later().any(|other| (other.address..other.address + other.len).contains(&last));
            let owner = entries.iter().any(|entry| {
                part.offset == Some(entry.2) && part.address == entry.3 && entry.4 > 0
                    && entry.5 > entry.4 && entry.4 % PAGE != 0 && entry.1 & 2 != 0
                    && part.len == entry.4.next_multiple_of(PAGE)
            });
            if owner && !hidden {
                expected.push(last);
            }
        }
        for (tail, len) in tails(&plan) {
            prop_assert_eq!((tail + len) % PAGE, 0);
            prop_assert!(expected.contains(&(tail & !(PAGE - 1))));
        }
    }
}
