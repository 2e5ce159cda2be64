use super::*;
use proptest::prelude::*;

/// Numbers of all sizes, and those at the edges.
fn number() -> impl Strategy<Value = u64> {
    static EDGES: [u64; 7] = [
        0,
        1,
        SECOND - 1,
        SECOND,
        i64::MAX as u64,
        u64::MAX - 1,
        u64::MAX,
    ];
    prop_oneof![
        any::<u64>(),
        0..10 * SECOND,
        proptest::sample::select(&EDGES[..])
    ]
}

fn clamp(value: u128) -> u64 {
    value.min(i64::MAX as u128) as u64
}

proptest! {
    #[test]
    fn arithmetic_saturates(a in number(), b in number(), times in number()) {
        let (x, y) = (Nanos::new(a), Nanos::new(b));
        let (a, b) = (clamp(a.into()), clamp(b.into()));
        prop_assert_eq!((x + y).get(), clamp(u128::from(a) + u128::from(b)));
        prop_assert_eq!((x - y).get(), a.saturating_sub(b));
        prop_assert_eq!((x * times).get(), clamp(u128::from(a) * u128::from(times)));
    }

    #[test]
    fn specs_say_what_they_say(seconds in any::<i64>(), part in any::<i64>()) {
        for (unit, parse) in [(1, Nanos::from_timespec as fn([i64; 2]) -> _), (1000, Nanos::from_timeval)] {
            let valid = seconds >= 0 && part >= 0 && part < SECOND as i64 / unit;
            let value = i128::from(seconds) * i128::from(SECOND) + i128::from(part) * i128::from(unit);
            let last = i128::from(i64::MAX) / i128::from(SECOND) * i128::from(SECOND);
            let value = if value < last { value as u64 } else { i64::MAX as u64 };
            let expected = if valid { Ok(Nanos(value)) } else { Err(Invalid) };
            prop_assert_eq!(parse([seconds, part]), expected);
        }
    }

    #[test]
    fn what_is_shown_reads_back(nanos in number()) {
        let span = Nanos::new(nanos);
        let span = if span < Nanos::from_secs(1 << 33) { span } else { Nanos::MAX };
        let spec = span.timespec().map(|part| part as i64);
        prop_assert_eq!(Nanos::from_timespec(spec), Ok(span));
    }

    #[test]
    fn a_periodic_timer_is_never_late_again(at in number(), interval in number(), now in number()) {
        let (at, interval, now) = (Nanos::new(at), Nanos::new(interval), Nanos::new(now));
        match next_firing(at, interval, now) {
            Some(Nanos::MAX) => prop_assert!(at.max(now) + interval == Nanos::MAX),
            Some(next) => {
                prop_assert!(next > now && next > at);
                prop_assert_eq!((next - at).get() % interval.get(), 0);
                prop_assert!(next - at <= interval || next - interval <= now);
            }
            None => prop_assert!(interval.is_zero()),
        }
    }
}

#[test]
fn select_takes_seconds_among_the_microseconds() {
    let parse = Nanos::from_loose_timeval;
    assert_eq!(parse([1, 2_500_000]), Ok(Nanos::from_millis(3500)));
    assert_eq!(parse([i64::MAX, 999_999]), Ok(Nanos::MAX));
    assert_eq!(parse([i64::MAX, 1_000_000]), Err(Invalid));
    assert_eq!(parse([0, -1]), Err(Invalid));
    assert_eq!(parse([-1, 0]), Err(Invalid));
    assert_eq!(parse([-1, 1_000_001]), Ok(Nanos::from_micros(1)));
}
