//! Which disk each torus swaps to: the value of `swap=`.
//!
//! The value names one disk for each torus, in order, separated by commas: as Linux names virtio disks (`vda` is the first one
//! that enumeration finds), or by PCI address (`00:03.0`, as `lspci` shows it). `none` leaves a torus without.

use core::fmt;
use thiserror::Error;

/// The place of a device on the PCI buses of segment 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PciAddress {
    /// Bus.
    pub bus: u8,
    /// Device on the bus, below 32.
    pub device: u8,
    /// Function of the device, below 8.
    pub function: u8,
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bus,
            device,
            function,
        } = self;
        write!(f, "{bus:02x}:{device:02x}.{function}")
    }
}

/// Why a torus gets no disk although one is named for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DiskError {
    /// No such disk was found.
    #[error("there is no such disk: {0} virtio disks were found")]
    Missing(usize),
    /// An earlier torus has it.
    #[error("torus {0} swaps to this disk already: each torus needs a disk of its own")]
    Taken(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    /// The n-th disk found.
    Number(usize),
    Address(PciAddress),
    None,
}

/// The value of `swap=`, all names well formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SwapDisks<'a>(&'a str);

impl<'a> SwapDisks<'a> {
    /// Checks a value; none when one of the names means nothing.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Self> {
        value
            .split(',')
            .all(|name| parse(name).is_some())
            .then_some(Self(value))
    }

    /// How many tori it has a word for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.split(',').filter(|name| !name.is_empty()).count()
    }

    /// Whether it names no disk.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        (0..self.len()).all(|torus| self.name(torus).is_none())
    }

    /// How the disk of a torus is called.
    #[must_use]
    pub fn name(&self, torus: usize) -> Option<&'a str> {
        let name = self.0.split(',').nth(torus)?;
        (parse(name)? != Name::None).then_some(name)
    }

    /// The disk of a torus among those `found`, in the order of enumeration; none when the value names none.
    ///
    /// # Errors
    /// [`DiskError`] when the disk is not there or an earlier torus has it.
    pub fn of(&self, torus: usize, found: &[PciAddress]) -> Option<Result<PciAddress, DiskError>> {
        let resolve = |torus: usize| match parse(self.name(torus)?)? {
            Name::Number(number) => Some(found.get(number).copied()),
            Name::Address(address) => Some(Some(address).filter(|a| found.contains(a))),
            Name::None => None,
        };
        let Some(disk) = resolve(torus)? else {
            return Some(Err(DiskError::Missing(found.len())));
        };
        let earlier = (0..torus).find(|&other| resolve(other) == Some(Some(disk)));
        Some(earlier.map_or(Ok(disk), |other| Err(DiskError::Taken(other))))
    }
}

fn parse(name: &str) -> Option<Name> {
    if name == "none" {
        return Some(Name::None);
    }
    match name.strip_prefix("vd") {
        Some(letters) => number(letters).map(Name::Number),
        None => address(name).map(Name::Address),
    }
}

/// `a` is 0, `z` is 25, `aa` is 26.
fn number(letters: &str) -> Option<usize> {
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let digit = |number: Option<usize>, letter: u8| {
        let value = letter.is_ascii_lowercase().then(|| letter - b'a')?;
        Some((number.map_or(0, |n| n + 1)) * 26 + usize::from(value))
    };
    letters
        .bytes()
        .try_fold(None, |number, letter| digit(number, letter).map(Some))?
}

/// `[0000:]BUS:DEVICE.FUNCTION`, hexadecimal.
fn address(text: &str) -> Option<PciAddress> {
    let text = text.strip_prefix("0000:").unwrap_or(text);
    let (bus, rest) = text.split_once(':')?;
    let (device, function) = rest.split_once('.')?;
    let hex = |text: &str, len: usize| {
        let well_formed = text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
        u8::from_str_radix(text, 16).ok().filter(|_| well_formed)
    };
    Some(PciAddress {
        bus: hex(bus, 2)?,
        device: hex(device, 2).filter(|&device| device < 32)?,
        function: hex(function, 1).filter(|&function| function < 8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    fn at(bus: u8, device: u8, function: u8) -> PciAddress {
        PciAddress {
            bus,
            device,
            function,
        }
    }

    #[test]
    fn each_torus_has_the_disk_in_its_place() {
        let found = [at(0, 2, 0), at(0, 3, 0), at(1, 0, 1)];
        let disks = SwapDisks::parse("vda,none,01:00.1,0000:00:03.0,vdd").unwrap();
        assert_eq!(disks.len(), 5);
        assert_eq!(disks.of(0, &found), Some(Ok(found[0])));
        assert_eq!(disks.of(1, &found), None);
        assert_eq!(disks.of(2, &found), Some(Ok(found[2])));
        assert_eq!(disks.of(3, &found), Some(Ok(found[1])));
        assert_eq!(disks.of(4, &found), Some(Err(DiskError::Missing(3))));
        assert_eq!(disks.of(5, &found), None);
        assert_eq!(disks.name(2), Some("01:00.1"));
    }

    #[test]
    fn no_two_tori_share_a_disk() {
        let found = [at(0, 2, 0), at(0, 3, 0)];
        let disks = SwapDisks::parse("vdb,00:03.0,vda").unwrap();
        assert_eq!(disks.of(1, &found), Some(Err(DiskError::Taken(0))));
        assert_eq!(disks.of(2, &found), Some(Ok(found[0])));
        // Two names for nothing are not the same disk.
        let missing = SwapDisks::parse("vdx,vdy").unwrap();
        assert_eq!(missing.of(1, &found), Some(Err(DiskError::Missing(2))));
    }

    #[test]
    fn letters_count_as_on_linux() {
        for (name, number) in [
            ("vda", 0),
            ("vdz", 25),
            ("vdaa", 26),
            ("vdzz", 701),
            ("vdaaa", 702),
        ] {
            assert_eq!(parse(name), Some(Name::Number(number)), "{name}");
        }
    }

    #[test]
    fn other_names_mean_nothing() {
        for bad in [
            "",
            ",",
            "vda,",
            "sda",
            "vd",
            "vdA",
            "vd1",
            "vdaaaa",
            "0:3.0",
            "00:20.0",
            "00:03.8",
            "+0:03.0",
            "00:03",
            "1000:00:03.0",
            "/dev/vda",
        ] {
            assert_eq!(SwapDisks::parse(bad), None, "{bad}");
        }
        assert!(SwapDisks::default().is_empty());
        assert_eq!(SwapDisks::default().of(0, &[]), None);
        assert!(SwapDisks::parse("none,none").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn addresses_come_back(bus: u8, device in 0..32u8, function in 0..8u8) {
            let address = at(bus, device, function);
            let text = address.to_string();
            let disks = SwapDisks::parse(&text).unwrap();
            prop_assert_eq!(disks.of(0, &[address]), Some(Ok(address)));
        }

        #[test]
        fn no_value_is_too_much(value in ".*", torus in 0..8usize) {
            if let Some(disks) = SwapDisks::parse(&value) {
                let _ = disks.of(torus, &[at(0, 2, 0)]);
            }
        }
    }
}
