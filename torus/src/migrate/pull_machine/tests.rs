use super::*;
use crate::DepositNames;
use fallible::NoMemory;

/// A process of torus 0 with pages on tori 1 and 2.
fn parent() -> PullMachine {
    let homes = [1, 2].map(|home| TorusId::new(home).unwrap());
    let claims = homes.map(|home| Claim {
        source: Source(home.index() as u16),
        home,
        deposit: DepositNames::new(home).give(),
    });
    let pid = Pid::from_raw(7).unwrap();
    PullMachine::adopt(pid, homes[0], claims.to_vec(), &mut Effects::new())
}

#[test]
fn one_home_that_fails_is_enough_for_a_child_not_to_be_born() {
    let mut parent = parent();
    let own = TorusId::new(0).unwrap();
    let pid = Pid::from_raw(8).unwrap();
    let mut names = DepositNames::new(own);
    let child = parent.fork(pid, || names.give(), |_| Ok(()), &mut Effects::new());
    let mut child = child.unwrap();
    assert!(parent.is_forking());
    let deposits: Vec<DepositId> = child.claims().iter().map(|claim| claim.deposit).collect();
    assert!(child.is_forking() && !child.runs());
    let mut effects = Effects::new();
    child.fork_failed(deposits[0], &mut effects);
    // The other home's answer does not find the child any more.
    assert!(!child.is_forking() && !child.runs());
    let released = Effect::Send {
        to: TorusId::new(2).unwrap(),
        message: Message::Release {
            deposit: deposits[1],
        },
    };
    assert!(effects.contains(&released), "{effects:?}");
}

#[test]
fn a_parent_whose_child_cannot_be_noted_does_not_wait_for_homes() {
    let mut parent = parent();
    let before = parent.clone();
    let mut names = DepositNames::new(TorusId::new(0).unwrap());
    let pid = Pid::from_raw(8).unwrap();
    let mut effects = Effects::new();
    let child = parent.fork(pid, || names.give(), |_| Err(NoMemory), &mut effects);
    assert_eq!(child, Err(MigrateError::NoMemory(parent.pid())));
    assert!(effects.is_empty() && parent == before);
}
