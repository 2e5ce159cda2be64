//! Values of options, out of words.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::machine::MIB;

/// How many tori; none is the kernel's choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tori(pub(super) Option<u32>);

/// A number of this range.
pub(crate) fn number(range: RangeInclusive<u32>) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            format!("a number from {least} to {most} is wanted")
        })
    }
}

pub(super) fn tori(text: &str) -> Result<Tori, String> {
    if text == "auto" {
        return Ok(Tori(None));
    }
    let number = text
        .parse()
        .map_err(|_| "a number or auto is wanted".to_owned())?;
    Ok(Tori(Some(number)))
}

/// Bytes out of `64M` and its like; machines have whole mebibytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], MIB),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "a number with K, M or G is wanted, as 512M".to_owned())?;
    let bytes = number.checked_mul(unit).ok_or("it is too large")?;
    if bytes % MIB != 0 || bytes == 0 {
        return Err("whole mebibytes are wanted, as 512M".to_owned());
    }
    Ok(bytes)
}

/// User and group out of `1000:100`.
pub(super) fn user(text: &str) -> Result<(u32, u32), String> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    // The last number means that an id stays as it is.
    let id = |text: &str| text.parse().ok().filter(|&id| id != u32::MAX);
    let ids = id(user).zip(id(group));
    ids.ok_or_else(|| "numbers of a user and a group are wanted, as 1000 or 1000:100".to_owned())
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|s| Duration::try_from_secs_f64(s).ok());
    seconds
        .filter(|s| !s.is_zero())
        .ok_or_else(|| "seconds above zero are wanted".to_owned())
}

/// An address, with `0x` or without.
pub(super) fn address(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16)
        .map_err(|_| "an address is wanted, as 0xffffffff80001234".to_owned())
}

pub(super) fn variable(text: &str) -> Result<OsString, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(text.into()),
        _ => Err("NAME=VALUE is wanted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_times_and_numbers() {
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("2G"), Ok(2 << 30));
        for bad in ["", "M", "12x", "100", "0", "0M", "99999999999G", "-1M"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["", "0", "-1", "nan", "inf", "1e99"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(number(1..=255)("255"), Ok(255));
        for bad in ["", "x", "0", "256", "-1", "4294967297"] {
            assert!(number(1..=255)(bad).is_err(), "{bad}");
        }
    }
}
