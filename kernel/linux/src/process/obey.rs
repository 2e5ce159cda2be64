//! What a process of this torus makes of orders ([`torus::family::Order`]): it tells how it is run, or is run otherwise.

mod limit;
mod nice;
mod policy;

use super::state::Process;
use braid_files::credentials::{Credentials, Ids};
use torus::family::{Answer, By, Order};

/// The credentials of who gives an order, as far as rules about other processes look at them.
fn credentials(by: By) -> Credentials {
    let ids = |real, effective| Ids {
        real,
        effective,
        saved: effective,
        files: effective,
    };
    Credentials {
        user: ids(by.uid, by.euid),
        group: ids(by.gid, by.gid),
        ..Credentials::default()
    }
}

/// What a process of this torus makes of an order. [`Process::spread_limits`] tells its address space of new limits.
pub fn obey(process: &Process, by: By, order: Order) -> Answer {
    let done = match order {
        Order::Limit { resource, new } => limit::obey(process, by, resource, new),
        Order::Nice { new } => nice::obey(process, by, new).map(Answer::from),
        Order::TellPolicy | Order::SetPolicy { .. } | Order::TellCores | Order::SetCores { .. } => {
            policy::obey(process, by, order).map(Answer::from)
        }
    };
    done.unwrap_or_else(|errno| Answer::from(-(errno as i32)))
}
