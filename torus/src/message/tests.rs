extern crate std;

use proptest::prelude::*;

use super::*;
use crate::family::{Answer, By, Carried, Crowd, Ended, Members, Order, Sent, Told};
use crate::migrate::Refusal;
use crate::pid::Pid;
use crate::span::Span;
use crate::{
    DepositId, DepositNames, TorusId, balance, family, file, lease, machine, migrate, probe,
};
use vm::addr::{Frame, Page};

fn pids() -> impl Strategy<Value = Pid> {
    any::<i32>().prop_filter_map("a pid", Pid::from_raw)
}

fn deposits() -> impl Strategy<Value = DepositId> {
    any::<u64>().prop_filter_map("a deposit", |word| DepositId::from_word(word >> 2))
}

fn spans() -> impl Strategy<Value = Span> {
    (any::<u64>(), any::<u64>()).prop_map(|(first, mask)| Span {
        first: Page(first),
        mask,
    })
}

fn ended() -> impl Strategy<Value = Ended> {
    (any::<u32>(), any::<u64>(), any::<u64>(), any::<u32>()).prop_map(
        |(status, user_time, system_time, uid)| Ended {
            status,
            user_time,
            system_time,
            uid,
        },
    )
}

fn sent() -> impl Strategy<Value = Sent> {
    let someone = || proptest::option::of(pids());
    let users = (any::<u32>(), any::<u32>());
    (0..=64_u32, any::<i32>(), someone(), users, someone()).prop_map(
        |(signal, code, from, (uid, euid), session)| Sent {
            signal,
            code,
            from,
            uid,
            euid,
            session,
        },
    )
}

fn carried() -> impl Strategy<Value = Carried> {
    any::<(u64, u64)>().prop_map(|(sender, value)| Carried { sender, value })
}

fn by() -> impl Strategy<Value = By> {
    (pids(), any::<[u32; 3]>()).prop_map(|(pid, [uid, euid, gid])| By {
        pid,
        uid,
        euid,
        gid,
    })
}

fn orders() -> impl Strategy<Value = Order> {
    let limits = proptest::option::of(any::<[u64; 2]>());
    let policies = proptest::option::of(any::<u32>());
    prop_oneof![
        (any::<u32>(), limits).prop_map(|(resource, new)| Order::Limit { resource, new }),
        any::<Option<i32>>().prop_map(|new| Order::Nice { new }),
        Just(Order::TellPolicy),
        (policies, any::<i32>())
            .prop_map(|(policy, priority)| Order::SetPolicy { policy, priority }),
        Just(Order::TellCores),
        any::<u64>().prop_map(|mask| Order::SetCores { mask }),
    ]
}

fn members() -> impl Strategy<Value = Members> {
    prop_oneof![
        Just(Members::Others),
        pids().prop_map(Members::Group),
        any::<u32>().prop_map(Members::User),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        sent().prop_map(Told::Signal),
        (by(), any::<Option<i32>>()).prop_map(|(by, new)| Told::Nice { by, new }),
        any::<u64>().prop_map(|number| Told::Late { number }),
    ]
}

fn about_moves() -> impl Strategy<Value = migrate::Message> {
    use migrate::Message;
    prop_oneof![
        (pids(), any::<u64>()).prop_map(|(pid, image)| Message::Offer {
            pid,
            image: Frame(image)
        }),
        pids().prop_map(|pid| Message::Refused {
            pid,
            reason: Refusal::Draining
        }),
        (deposits(), spans()).prop_map(|(deposit, span)| Message::Pull { deposit, span }),
        (deposits(), deposits(), any::<u64>()).prop_map(|(parent, child, root)| {
            Message::Forked {
                parent,
                child,
                root: Frame(root),
            }
        }),
        (deposits(), deposits()).prop_map(|(parent, child)| Message::Fork { parent, child }),
    ]
}

fn about_processes() -> impl Strategy<Value = family::Message> {
    use family::Message;
    prop_oneof![
        (pids(), any::<u32>(), 0..crate::MAX_TORI).prop_map(|(pid, moves, at)| {
            Message::Moved {
                pid,
                moves,
                at: TorusId::new(at).unwrap_or_default(),
            }
        }),
        (pids(), any::<u64>(), any::<i32>(), any::<[u64; 2]>()).prop_map(
            |(to, token, result, limit)| Message::Answer {
                to,
                token,
                answer: Answer { result, limit },
            }
        ),
        (pids(), any::<u64>(), by(), orders()).prop_map(|(to, token, by, order)| {
            Message::Order {
                to,
                token,
                by,
                order,
            }
        }),
        (pids(), any::<u64>(), sent(), carried()).prop_map(|(to, token, sent, carried)| {
            Message::Signal {
                to,
                token,
                sent,
                carried,
            }
        }),
        (pids(), pids(), pids(), proptest::option::of(ended())).prop_map(
            |(to, child, group, ended)| Message::Adopt {
                to,
                child,
                group,
                ended
            }
        ),
        (
            any::<u64>(),
            members(),
            proptest::option::of(pids()),
            told()
        )
            .prop_map(|(number, members, session, told)| Message::All {
                number,
                stable: number / 2,
                crowd: Crowd { members, session },
                told,
            }),
    ]
}

#[test]
fn the_format_is_fixed() {
    let mut names = DepositNames::new(TorusId::new(2).unwrap());
    let _ = names.give();
    let deposit = names.give();
    let span = Span {
        first: Page(0x400),
        mask: 0b101,
    };
    let line = migrate::Message::Pull { deposit, span }.encode();
    assert_eq!(line.0, [0x105, 2 << 56 | 1, 0x400, 0b101, 0, 0, 0, 0]);
}

#[test]
fn no_two_protocols_have_one_number() {
    let mut numbers = [
        migrate::Message::PROTOCOL,
        family::Message::PROTOCOL,
        lease::Message::PROTOCOL,
        file::Message::PROTOCOL,
        balance::Message::PROTOCOL,
        machine::Message::PROTOCOL,
        probe::Message::PROTOCOL,
    ];
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn wrong_lines_are_typed_errors() {
    fn decode<M: Protocol>(words: &[u64]) -> Option<MessageError> {
        let mut line = Line::default();
        line.0[..words.len()].copy_from_slice(words);
        M::decode(&line).err()
    }
    let kind = |head| Some(MessageError::Kind(head));
    let field = |head, value| Some(MessageError::Field { head, value });
    assert_eq!(decode::<migrate::Message>(&[]), kind(0));
    assert_eq!(decode::<migrate::Message>(&[1 << 40]), kind(1 << 40));
    assert_eq!(decode::<migrate::Message>(&[0x202, 1]), kind(0x202));
    assert_eq!(decode::<migrate::Message>(&[0x102, 0]), field(0x102, 0));
    assert_eq!(decode::<migrate::Message>(&[0x103, 1, 9]), field(0x103, 9));
    assert_eq!(
        decode::<family::Message>(&[0x201, 1, 1, 64]),
        field(0x201, 64)
    );
}

fn again<M: Protocol + Copy + core::fmt::Debug + PartialEq>(line: &Line) {
    if let Ok(message) = M::decode(line) {
        assert_eq!(M::decode(&message.encode()), Ok(message));
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_understood(moves in about_moves(), processes in about_processes()) {
        prop_assert_eq!(migrate::Message::decode(&moves.encode()), Ok(moves));
        prop_assert_eq!(family::Message::decode(&processes.encode()), Ok(processes));
        prop_assert_eq!(protocol_of(&processes.encode()), family::Message::PROTOCOL);
    }

    #[test]
    fn any_line_is_a_message_or_an_error(kind in 0_u64..20, words in any::<[u64; 7]>(), small in any::<bool>()) {
        let mut line = Line::default();
        for (word, value) in line.0[1..].iter_mut().zip(words) {
            *word = if small { value % 70 } else { value };
        }
        for protocol in 0..9 {
            line.0[0] = protocol << 8 | kind;
            again::<migrate::Message>(&line);
            again::<family::Message>(&line);
            again::<lease::Message>(&line);
            again::<file::Message>(&line);
            again::<balance::Message>(&line);
            again::<machine::Message>(&line);
            again::<probe::Message>(&line);
        }
    }
}
