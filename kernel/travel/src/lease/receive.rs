//! What is said of memory objects that processes of other tori map: to whom it goes here.

use super::home::Wish;
use super::{holder, home as lender};
use torus::TorusId;
use torus::lease::Message;

/// A message from the torus `from`.
pub fn receive(from: TorusId, message: Message) {
    match message {
        Message::Hold {
            object,
            holder,
            change,
        } => lender::hold(object, holder, change),
        Message::Unhold { object, count } => lender::unhold(from, object, count),
        Message::Lend {
            object,
            lease,
            index,
            asker,
        } => lender::lend(Wish {
            holder: from,
            lease,
            object,
            index,
            asker,
        }),
        Message::LendAgain {
            object,
            index,
            holder,
            lease,
            asker,
        } => lender::lend(Wish {
            holder,
            lease,
            object,
            index,
            asker,
        }),
        Message::Lent {
            lease,
            index,
            frame,
        } => holder::lent(from, lease, index, frame),
        Message::NotLent {
            lease,
            index,
            asker,
            why,
        } => holder::not_lent(from, lease, index, asker, why),
        Message::Content {
            lease,
            index,
            frame,
            root0,
            root1,
            root2,
            root3,
        } => holder::content(from, lease, index, frame, [root0, root1, root2, root3]),
        Message::HaveContent { object, index } => lender::copied(from, object, index),
        Message::Cut {
            object,
            from: page,
            cut,
        } => holder::cut(from, object, page, cut),
        Message::Forgotten {
            object,
            from: page,
            cut,
        } => lender::forgotten(from, object, page, cut),
    }
}
