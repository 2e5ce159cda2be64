//! Calendar arithmetic for the real-time clock.

/// A reading of the PC's real-time clock (MC146818 registers), in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Seconds, minutes, hours, day of the month, month, year of the century: registers 0, 2, 4, 7, 8, 9, as read.
    pub fields: [u8; 6],
    /// The century register, 0 when there is none.
    pub century: u8,
    /// Register B: bit 2 is set when the fields are binary, bit 1 when hours run to 24.
    pub mode: u8,
}

impl Reading {
    /// Seconds since 1970-01-01T00:00:00Z. Nonsense in the clock gives nonsense, never a panic.
    pub fn unix_seconds(&self) -> i64 {
        let binary = self.mode & 4 != 0;
        let decode = |value: u8| {
            i64::from(if binary {
                value
            } else {
                (value >> 4) * 10 + (value & 15)
            })
        };
        let [second, minute, hour, day, month, year] = self.fields;
        let mut hours = decode(hour & 0x7f);
        if self.mode & 2 == 0 {
            hours = hours % 12 + if hour & 0x80 == 0 { 0 } else { 12 };
        }
        let century = if self.century == 0 {
            20
        } else {
            decode(self.century)
        };
        let days = days_since_1970(century * 100 + decode(year), decode(month), decode(day));
        ((days * 24 + hours) * 60 + decode(minute)) * 60 + decode(second)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (years are counted from March, so that the leap day is last).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        let epoch = Reading {
            fields: [0, 0, 0, 1, 1, 0x70],
            century: 0x19,
            mode: 2,
        };
        assert_eq!(epoch.unix_seconds(), 0);
        let bcd = Reading {
            fields: [0x59, 0x58, 0x23, 0x29, 0x02, 0x24],
            century: 0x20,
            mode: 2,
        };
        assert_eq!(bcd.unix_seconds(), 1_709_251_139);
        let afternoon = Reading {
            fields: [59, 58, 11 | 0x80, 29, 2, 24],
            century: 0,
            mode: 4,
        };
        assert_eq!(afternoon.unix_seconds(), 1_709_251_139);
        let midnight = Reading {
            fields: [0, 0, 12, 1, 1, 0],
            century: 20,
            mode: 4,
        };
        assert_eq!(midnight.unix_seconds(), 946_684_800);
    }

    #[test]
    fn nonsense_does_not_panic() {
        for value in [0, 0x7f, 0x80, 0xff] {
            for mode in 0..8 {
                Reading {
                    fields: [value; 6],
                    century: value,
                    mode,
                }
                .unix_seconds();
            }
        }
    }
}
