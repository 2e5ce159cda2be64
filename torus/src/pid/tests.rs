use super::*;

fn torus(index: usize) -> TorusId {
    TorusId::new(index).unwrap()
}

fn at(index: usize, moves: u32) -> Whereabouts {
    Whereabouts {
        torus: torus(index),
        moves,
    }
}

#[test]
fn ids_name_their_birth_torus() {
    let mut first = Births::new(torus(0));
    assert_eq!(first.give(), Ok(Pid::INIT));
    assert_eq!(first.give().map(Pid::raw), Ok(2));
    let mut last = Births::new(torus(MAX_TORI - 1));
    let pid = last.give().unwrap();
    assert!(pid.raw() > 0);
    assert_eq!(pid.birth(), torus(MAX_TORI - 1));
    assert_eq!(Pid::from_raw(pid.raw()), Some(pid));
    assert_eq!(first.find(pid), Err(PidError::NoProcess(pid)));
}

#[test]
fn numbers_that_no_process_has_are_refused() {
    for number in [0, -1, i32::MIN, i32::MAX, 1 << SERIAL_BITS] {
        assert_eq!(Pid::from_raw(number), None);
    }
}

#[test]
fn older_news_is_ignored() {
    let mut births = Births::new(torus(1));
    let pid = births.give().unwrap();
    assert_eq!(births.find(pid), Ok(at(1, 0)));
    births.moved(pid, at(3, 2)).unwrap();
    births.moved(pid, at(2, 1)).unwrap();
    assert_eq!(births.find(pid), Ok(at(3, 2)));
    births.reaped(pid, 3).unwrap();
    assert_eq!(births.find(pid), Err(PidError::NoProcess(pid)));
    assert_eq!(births.reaped(pid, 3), Err(PidError::NoProcess(pid)));
    assert_eq!(births.len(), 1, "one piece of news is to come");
    births.moved(pid, at(1, 3)).unwrap();
    assert!(births.is_empty());
    assert_eq!(births.moved(pid, at(1, 4)), Err(PidError::NoProcess(pid)));
}

#[test]
fn numbers_come_back_late_and_never_twice() {
    let mut births = Births::new(torus(0));
    let first = births.give().unwrap();
    births.reaped(first, 0).unwrap();
    for expected in 2..SERIALS {
        assert_eq!(births.give().map(Pid::raw), Ok(expected as i32));
    }
    assert_eq!(births.give(), Ok(first));
    assert_eq!(births.give(), Err(PidError::Exhausted(torus(0))));
    births.reaped(Pid(77), 0).unwrap();
    assert_eq!(births.give(), Ok(Pid(77)));
}
